import {
  accuracy,
  alignCheckpoints,
  averageMemory,
  averageRecord,
  type Backend,
  backendNamed,
  type CardFacts,
  checkUnchanged,
  closeCheckpoints,
  configNotices,
  FileCheckpoint,
  isAdapterFile,
  isOnnx,
  KnownContents,
  limitedBackend,
  Mixture,
  modelFolders,
  modelId,
  openCheckpoints,
  openEach,
  openSafetensors,
  Pool,
  RadinError,
  Soup,
  type WrittenFolder,
  type WrittenModel,
  writeModelFolder,
  writeSoup,
} from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import { list, nonNegative } from '../options/option-values.js';
import {
  BASE,
  backendOption,
  type MemoryOptions,
  type ShardOptions,
  type StateDictOptions,
  withMaxMemory,
  withShardSize,
  withStateDict,
} from '../options/options.js';
import { checkAverageOutput, replacedIngredient, writeWithLock } from '../output/average-output.js';
import { ingredientPaths } from '../output/output-folder.js';
import { writeAdapters } from '../output/soup-output.js';
import { expandModels } from '../pool/expand.js';
import type { CommandContext } from '../run/run-context.js';
import { tellingPeak } from '../run/tell-peak.js';
import { Terminal } from '../terminal/terminal.js';
import { VERSION } from '../version.js';

const FACTS: CardFacts = { method: 'radin average', version: VERSION, scores: [] };

interface AverageOptions extends CommonOptions, StateDictOptions, ShardOptions, MemoryOptions {
  readonly weights?: readonly number[];
  readonly out: string;
  readonly base?: string;
  readonly backend: string;
}

export function addAverage(command: Command, context: CommandContext): void {
  command
    .argument(
      '<models...>',
      'checkpoints, .safetensors, .pt, .pth, .bin or .onnx, indexes of shards, folders of one model each, or hf://org/name@revision',
    )
    .option(
      '--weights <p,…>',
      'mixing weights in the order of the models, ≥ 0, sum 1 (default: equal)',
      list(nonNegative),
    )
    .option(...BASE)
    .requiredOption(
      '--out <path>',
      'required: the file to write, .safetensors, or .onnx for a copy of the first model in ONNX; or a folder for models that are folders with a config.json, and for adapters',
    )
    .addOption(backendOption('the average is'));
  withCommonOptions(withMaxMemory(withShardSize(withStateDict(command))))
    .addHelpText(
      'after',
      '\nExample:\n  radin average a.safetensors b.safetensors --weights 0.7,0.3 --out soup.safetensors',
    )
    .action((models: string[], options: AverageOptions) => average(models, options, context));
}

async function average(models: string[], options: AverageOptions, context: CommandContext): Promise<void> {
  const { signal } = context;
  const download = { ...options, signal };
  const { maxMemory } = options;
  const [base] = options.base === undefined ? [] : await expandModels([options.base], '.', 'flag --base', download);
  const paths = await expandModels(models, '.', 'argument', download);
  const named = backendNamed(options.backend);
  const memory = maxMemory === undefined ? undefined : averageMemory(maxMemory, paths.length);
  const backend = memory === undefined ? named : limitedBackend(named, memory.work);
  const limits = memory && { predicted: memory.peakMemory, allowed: maxMemory as number };
  await tellingPeak(limits, new Terminal(options, accuracy), () =>
    base === undefined && paths.every(isAdapterFile)
      ? averageAdapters(paths, options, context)
      : averageModels(paths, base, backend, options, context),
  );
}

async function averageModels(
  paths: readonly string[],
  base: string | undefined,
  backend: Backend,
  options: AverageOptions,
  context: CommandContext,
): Promise<void> {
  const { signal } = context;
  const { stateDict } = options;
  const opened = await openCheckpoints(paths, { stateDict, base });
  try {
    const { checkpoints, problems } = alignCheckpoints(opened);
    if (problems[0] !== undefined) throw new RadinError('POOL', problems[0].message);
    const pool = new Pool(checkpoints);
    const mixture = mixtureOf(options.weights, pool.size);
    const { maxShardSize } = options;
    const bytes = pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const soup = new Soup(pool, mixture, backend);
    const isFile = options.out.endsWith('.safetensors') || isOnnx(options.out);
    const folders = isFile ? undefined : await modelFolders(pool.checkpoints);
    await checkAverageOutput(options.out, folders !== undefined, bytes);
    const contents = new KnownContents();
    const record = await averageRecord(pool, mixture, contents, VERSION, { signal });
    const writing = { signal, record, ...(maxShardSize && { maxShardBytes: maxShardSize }) };
    const plan = {
      isFolder: folders !== undefined,
      record,
      confirm: () => checkUnchanged(mixture.ingredientsOf(pool.checkpoints), contents),
      ingredients: ingredientPaths(pool, mixture),
      sources: {
        ...(base !== undefined && { base }),
        ...(stateDict !== undefined && { stateDict }),
        ...architectureOf(paths),
      },
    };
    const lost = await replacedIngredient(options.out, plan.ingredients);
    const { notices, ...written } = await writeWithLock(options.out, plan, signal, async (path) => {
      const { notices = [], ...written }: Partial<WrittenFolder> & WrittenModel =
        folders === undefined
          ? await writeSoup(path, soup, pool, writing)
          : await writeModelFolder(path, soup, pool, folders, FACTS, writing);
      return { ...written, notices };
    });
    noticeAll([...(folders === undefined ? [] : await configNotices(folders)), ...lost, ...notices], options);
    tell(pool.ids, mixture, pool.tensors.length, written, options, context);
  } finally {
    await closeCheckpoints(opened);
  }
}

/** Adapters without their base model: their soup is an adapter. */
async function averageAdapters(
  paths: readonly string[],
  options: AverageOptions,
  context: CommandContext,
): Promise<void> {
  const mixture = mixtureOf(options.weights, paths.length);
  const { signal } = context;
  const adapters = await openEach(paths, (path) => FileCheckpoint.open(modelId(path), path));
  let written: WrittenFolder;
  try {
    const pool = { checkpoints: adapters, ids: adapters.map(({ id }) => id) };
    const bytes = adapters.flatMap(({ tensors }) => tensors).reduce((sum, { byteLength }) => sum + 2 * byteLength, 0);
    await checkAverageOutput(options.out, true, bytes);
    const contents = new KnownContents();
    const record = await averageRecord(pool, mixture, contents, VERSION, { signal });
    const plan = {
      isFolder: true,
      record,
      confirm: () => checkUnchanged(mixture.ingredientsOf(pool.checkpoints), contents),
      ingredients: ingredientPaths(pool, mixture),
      sources: {},
    };
    written = await writeWithLock(options.out, plan, signal, (path) =>
      writeAdapters(path, paths, mixture, FACTS, { signal, record }),
    );
  } finally {
    await closeCheckpoints(adapters);
  }
  const { notices, ...model } = written;
  noticeAll(notices, options);
  const file = await openSafetensors(model.path);
  await file.close();
  tell(paths.map(modelId), mixture, file.tensors.length, model, options, context);
}

/** The graph that gives weights their names, where models are in ONNX. */
function architectureOf(paths: readonly string[]): { architecture?: readonly string[] } {
  const architecture = paths.filter(isOnnx);
  return architecture.length === 0 ? {} : { architecture };
}

function noticeAll(notices: readonly string[], options: AverageOptions): void {
  const terminal = new Terminal(options, accuracy);
  for (const notice of notices) terminal.notice(`note: ${notice}`);
}

function tell(
  models: readonly string[],
  mixture: Mixture,
  tensors: number,
  { path, ...written }: WrittenModel,
  { json }: AverageOptions,
  { print, printJson }: CommandContext,
): void {
  const report = { out: path, models, weights: [...mixture.weights], tensors, ...written };
  if (json) printJson(report);
  else
    print(
      `wrote ${report.out}: average of ${mixture.size} models, ${report.tensors} tensors, ${report.bytes} bytes${written.shards ? ` in ${written.shards.length} shards` : ''}, sha256 ${report.sha256}`,
    );
}

function mixtureOf(weights: readonly number[] | undefined, models: number): Mixture {
  if (weights === undefined) return Mixture.uniform(models, [...Array(models).keys()]);
  if (weights.length !== models) {
    throw new RadinError(
      'CONFIG',
      `Expected one of --weights for each of ${models} models but found ${weights.length}`,
    );
  }
  try {
    return Mixture.of(weights);
  } catch (error) {
    throw new RadinError('CONFIG', `${(error as Error).message} as --weights`, { cause: error });
  }
}
