import { dirname } from 'node:path';
import {
  accuracy,
  alignCheckpoints,
  averageWork,
  backendNamed,
  type CardFacts,
  closeCheckpoints,
  configNotices,
  isAdapterFile,
  isOnnx,
  limitedBackend,
  Mixture,
  modelFolders,
  modelId,
  openCheckpoints,
  openSafetensors,
  Pool,
  RadinError,
  Soup,
  type WrittenModel,
  writeModelFolder,
  writeSoup,
} from '@radin/core';
import type { Command } from 'commander';
import { checkSpace } from '../disk-space.js';
import { expandModels } from '../expand.js';
import { list, nonNegative } from '../option-values.js';
import {
  BASE,
  backendOption,
  type CommonOptions,
  type MemoryOptions,
  type ShardOptions,
  type StateDictOptions,
  withCommonOptions,
  withMaxMemory,
  withShardSize,
  withStateDict,
} from '../options.js';
import type { CommandContext } from '../run-context.js';
import { writeAdapters } from '../soup-output.js';
import { Terminal } from '../terminal.js';
import { VERSION } from '../versions.js';

const FACTS: CardFacts = { method: 'radin average', version: VERSION, scores: [] };

interface AverageOptions extends CommonOptions, StateDictOptions, ShardOptions, MemoryOptions {
  readonly weights?: readonly number[];
  readonly out: string;
  readonly base?: string;
  readonly backend: string;
}

export function addAverage(program: Command, context: CommandContext): void {
  const command = program
    .command('average')
    .description('write the soup of the models named')
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
  const { stateDict, maxMemory } = options;
  const [base] = options.base === undefined ? [] : await expandModels([options.base], '.', 'flag --base', download);
  const paths = await expandModels(models, '.', 'argument', download);
  const named = backendNamed(options.backend);
  const backend = maxMemory === undefined ? named : limitedBackend(named, averageWork(maxMemory, paths.length));
  if (base === undefined && paths.every(isAdapterFile)) return averageAdapters(paths, options, context);
  const opened = await openCheckpoints(paths, { stateDict, base });
  try {
    const { checkpoints, problems } = alignCheckpoints(opened);
    if (problems[0] !== undefined) throw new RadinError('POOL', problems[0].message);
    const pool = new Pool(checkpoints);
    const mixture = mixtureOf(options.weights, pool.size);
    const { maxShardSize } = options;
    const bytes = pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    await checkSpace(dirname(options.out), bytes, 'the soup');
    const soup = new Soup(pool, mixture, backend);
    const writing = { signal, ...(maxShardSize && { maxShardBytes: maxShardSize }) };
    const isFile = options.out.endsWith('.safetensors') || isOnnx(options.out);
    const folders = isFile ? undefined : await modelFolders(pool.checkpoints);
    if (folders === undefined) {
      tell(pool.ids, mixture, pool.tensors.length, await writeSoup(options.out, soup, pool, writing), options, context);
      return;
    }
    const { notices, ...written } = await writeModelFolder(options.out, soup, pool, folders, FACTS, writing);
    noticeAll([...(await configNotices(folders)), ...notices], options);
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
  const { notices, ...written } = await writeAdapters(options.out, paths, mixture, FACTS, { signal });
  noticeAll(notices, options);
  const file = await openSafetensors(written.path);
  await file.close();
  tell(paths.map(modelId), mixture, file.tensors.length, written, options, context);
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
