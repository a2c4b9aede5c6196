import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { fileError, isOnnx, MULTI_CLASS, type PoolFiles, RadinError, type Task, type TaskName } from '@radin/core';
import type { LoadedConfig } from './config.js';
import { checkKeys } from './config-keys.js';
import type { DownloadOptions } from './download-model.js';
import { expandArrays, expandInputs, expandModels, inputFlags } from './expand.js';
import { commandOf, type LogitsFlags, logitsFiles } from './external-evaluation.js';
import type { MetricChoice } from './metric-choice.js';

/** The flags that stand in place of a `radin.yaml`, or replace single entries of it. */
export interface PoolFlags extends LogitsFlags, DownloadOptions {
  readonly graph?: string;
  /** A model to open in place of the pool's, on the pool's graph. */
  readonly only?: string;
  readonly models?: readonly string[];
  readonly valInputs?: readonly string[];
  readonly valLabels?: readonly string[];
  readonly testInputs?: readonly string[];
  readonly testLabels?: readonly string[];
  readonly valGroups?: readonly string[];
  readonly testGroups?: readonly string[];
  readonly task?: TaskName;
  readonly ignoreIndex?: number;
  readonly bnInputs?: readonly string[];
  readonly output?: string;
  readonly stateDict?: string | undefined;
  readonly rename?: Readonly<Record<string, string>>;
  readonly base?: string;
  readonly init?: string;
}

export interface ResolvedPool {
  /** The pool's folder, without the path to it; none where flags alone name the files. */
  readonly name: string | undefined;
  readonly files: PoolFiles;
  /** The metric that the `radin.yaml` asks for. */
  readonly metric: MetricChoice | undefined;
}

/**
 * The files of a pool: from the `radin.yaml` of a folder (or the file itself), with flags in front of its entries, or from
 * flags alone; where neither is given, from the current folder if it is a pool. @throws RadinError where something is missing or a pattern matches nothing
 */
export async function resolvePool(pool: string | undefined, flags: PoolFlags): Promise<ResolvedPool> {
  const { graph: graphFlag, models: patterns, valInputs, valLabels } = flags;
  const hasFlags = [graphFlag, patterns, valInputs, valLabels].some((flag) => flag !== undefined);
  const named = pool ?? (!hasFlags && existsSync('radin.yaml') ? '.' : undefined);
  const loaded = named === undefined ? undefined : await readConfig(named);
  const config = loaded?.config;
  if (loaded !== undefined) checkKeys(loaded, flags);
  const inFolder = (path: string) => (isAbsolute(path) ? path : join(loaded?.folder ?? '.', path));
  const arrays = async (
    flag: readonly string[] | undefined,
    name: string,
    split: 'validation' | 'test',
    key: 'labels' | 'groups',
  ) => {
    if (flag !== undefined) return expandArrays(flag, '.', `flag ${name}`);
    const entry = config?.[split]?.[key];
    if (loaded === undefined || entry === undefined) return undefined;
    return expandArrays([entry].flat(), loaded.folder, loaded.locate(split));
  };
  const inputArrays = async (flag: readonly string[] | undefined, name: string, split: 'validation' | 'test') => {
    if (flag !== undefined) return expandInputs(inputFlags(flag, name), '.', `flag ${name}`);
    const entry = config?.[split]?.inputs;
    if (loaded === undefined || entry === undefined) return undefined;
    return expandInputs(entry, loaded.folder, loaded.locate(split));
  };
  const need = <T>(value: T | undefined, flag: string): T => {
    if (value !== undefined) return value;
    throw new RadinError(
      'CONFIG',
      `Expected a pool, which is a folder with a radin.yaml, or the flag ${flag} but found neither`,
    );
  };
  const modelsOf = (patterns: readonly string[], folder: string, source: string) =>
    expandModels(patterns, folder, source, flags);
  const allModels = () =>
    patterns !== undefined
      ? modelsOf(patterns, '.', 'flag --models')
      : modelsOf([config?.models ?? []].flat(), loaded?.folder ?? '.', loaded?.locate('models') ?? 'flag --models');
  const oneModel = async (key: 'base' | 'init') => {
    const flag = flags[key];
    const pattern = flag ?? config?.[key];
    if (pattern === undefined) return undefined;
    const [folder, source] =
      flag === undefined && loaded ? [loaded.folder, loaded.locate(key)] : ['.', `flag --${key}`];
    const [file = ''] = await modelsOf([pattern], folder, source);
    // Where no model is an adapter, nothing else looks for the base before the run's record needs it.
    await stat(file).catch((error) => Promise.reject(fileError('read', file, error)));
    return file;
  };
  const graph = graphFlag ?? (config?.graph && inFolder(config.graph));
  const { only } = flags;
  const models = only === undefined ? await allModels() : [only];
  // The graph of one model alone could be another.
  const architecture = only !== undefined && graph === undefined ? (await allModels()).filter(isOnnx) : [];
  // A graph on the command line is meant to be run.
  const evaluator = loaded && graphFlag === undefined ? commandOf(loaded) : undefined;
  const logits = await logitsFiles(loaded, flags);
  const hasCommand = evaluator !== undefined;
  const testInputs = await inputArrays(flags.testInputs, '--test-inputs', 'test');
  const testLabels = await arrays(flags.testLabels, '--test-labels', 'test', 'labels');
  if ((testInputs === undefined) !== (testLabels === undefined) && !(hasCommand && testLabels)) {
    throw new RadinError('CONFIG', 'Expected both --test-inputs and --test-labels but found only one of them');
  }
  const valGroups = await arrays(flags.valGroups, '--val-groups', 'validation', 'groups');
  const testGroups = await arrays(flags.testGroups, '--test-groups', 'test', 'groups');
  const task = taskOf(flags.task ?? config?.task, flags.ignoreIndex ?? config?.ignore_index);
  const batchNormInputs =
    flags.bnInputs !== undefined
      ? await expandInputs(inputFlags(flags.bnInputs, '--bn-inputs'), '.', 'flag --bn-inputs')
      : loaded && config?.bn_inputs !== undefined
        ? await expandInputs(config.bn_inputs, loaded.folder, loaded.locate('bn_inputs'))
        : undefined;
  const output = flags.output ?? config?.output;
  const stateDict = flags.stateDict ?? config?.state_dict;
  const rename = flags.rename ?? config?.rename;
  const base = await oneModel('base');
  const init = await oneModel('init');
  const inputs = await inputArrays(flags.valInputs, '--val-inputs', 'validation');
  if (!hasCommand) need(inputs, '--val-inputs');
  return {
    name: (loaded && basename(resolve(loaded.folder))) || undefined,
    files: {
      ...(graph && { graph }),
      ...(architecture.length > 0 && { architecture }),
      models,
      validation: {
        ...(inputs && { inputs }),
        labels: need(await arrays(flags.valLabels, '--val-labels', 'validation', 'labels'), '--val-labels'),
        ...(valGroups && { groups: valGroups }),
      },
      ...(testLabels && {
        test: {
          ...(testInputs && { inputs: testInputs }),
          labels: testLabels,
          ...(testGroups && { groups: testGroups }),
        },
      }),
      ...(task && { task }),
      ...(evaluator && { evaluator }),
      ...(logits && { logits }),
      ...(batchNormInputs && { batchNormInputs }),
      ...(output && { output }),
      ...(stateDict && { stateDict }),
      ...(rename && { rename }),
      ...(base && { base }),
      ...(init && { init }),
    },
    metric: metricOf(loaded),
  };
}

/** The metric that a `radin.yaml` asks for. */
export function metricOf(loaded: LoadedConfig | undefined): MetricChoice | undefined {
  const text = loaded?.config.metric;
  if (loaded === undefined || text === undefined) return undefined;
  return { text, folder: loaded.folder, key: '"metric"', at: loaded.locate('metric') };
}

/** @throws RadinError where there is an index to ignore but no tokens. */
export function taskOf(name: TaskName = MULTI_CLASS.name, ignoreIndex?: number): Task | undefined {
  if (ignoreIndex !== undefined && name !== 'token-classification') {
    throw new RadinError(
      'CONFIG',
      `Expected the task token-classification with --ignore-index (ignore_index: in radin.yaml) but found ${name}`,
    );
  }
  return name === MULTI_CLASS.name ? undefined : { name, ...(ignoreIndex !== undefined && { ignoreIndex }) };
}

/** Reads a pool's `radin.yaml`. Loads the reader of YAML only where there is a `radin.yaml`: starting it takes longer than scoring a small pool. */
export async function readConfig(pool: string) {
  const { loadConfig } = await import('./config.js');
  return loadConfig(configPath(pool));
}

/** The `radin.yaml` that `pool` names: itself, or the one in that folder. */
function configPath(pool: string): string {
  if (!existsSync(pool))
    throw new RadinError('FILE', `Expected a folder with a radin.yaml but found nothing at ${pool}`);
  if (!statSync(pool).isDirectory()) return pool;
  const path = join(pool, 'radin.yaml');
  if (existsSync(path)) return path;
  throw new RadinError('FILE', `Expected a radin.yaml in the folder ${pool} but found none`);
}
