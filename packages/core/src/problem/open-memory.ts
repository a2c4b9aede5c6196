import { availableParallelism, tmpdir } from 'node:os';
import { MOST_MODELS_FOR_ALL_SUBSETS } from '@radin/native';
import { type Labels, rowsOf, type Split } from '../data/index.js';
import type { MemoryMeter } from '../evaluator/index.js';
import type { OnnxModel } from '../formats/index.js';
import { LogitsStore } from '../logits/index.js';
import { MULTI_CLASS, statedClasses } from '../metric/index.js';
import type { OpenPool } from './open-pool.js';
import { type MemoryShares, type Prediction, predictRun, type RunSizes, shareMemory } from './predict.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';
import type { UnopenedTest } from './unopened-test.js';

/** What a run on a pool will take, and how it keeps to a limit. */
export interface OpenMemory {
  readonly sizes: RunSizes;
  /** Undefined where programs evaluate, whose memory is not known. */
  readonly predicted: Prediction | undefined;
  /** Undefined without a limit. */
  readonly shares: MemoryShares | undefined;
  /** Where the models' logits on one split are kept; undefined without a limit: in memory. */
  newStore(): LogitsStore | undefined;
}

/** What processes that evaluate may take, and who is told of what they do. */
export interface EvaluationMemoryUse extends Pick<OpenMemory, 'shares'> {
  readonly meter: MemoryMeter;
}

/** What sizes depend on of a graph, whose bytes may be gone. */
export type GraphSizes = Pick<OnnxModel, 'outputs'> & { readonly bytes: Pick<Uint8Array, 'byteLength'> };

/**
 * Predicts from the sizes of what is open, and of a test split that is not, and divides the limit where there is one.
 * @throws RadinError where it is too small
 */
export function openMemory(
  opened: Pick<OpenPool, 'pool'> & { readonly graph: GraphSizes | undefined },
  files: PoolFiles,
  splits: readonly Split[],
  test: UnopenedTest | undefined,
  { threads = availableParallelism(), run = {}, maxMemory, cache }: ProblemOptions,
): OpenMemory {
  const { pool, graph } = opened;
  const models = pool.size;
  const ofAllModels = (name: Split['name']) =>
    (name === 'validation' && models > 1) || (name === 'test' && run.allOnTest === true);
  const rows = splits.map(({ name, labels }) => ({ name, rows: rowsOf(labels) }));
  if (test !== undefined) rows.push({ name: 'test', rows: test.rows });
  const sizes: RunSizes = {
    models,
    weightBytes: pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    graphBytes: graph?.bytes.byteLength ?? 0,
    splits: rows.map(({ name, rows }) => ({ rows, ofAllModels: ofAllModels(name) })),
    classes: classesOf(opened, files, splits),
    threads,
    mixtures: run.mixtures ?? 0,
    everySubset: (run.everySubset ?? false) && models <= MOST_MODELS_FOR_ALL_SUBSETS,
    racing: run.racing ?? 0,
    estimating: files.batchNormInputs !== undefined,
    byPrograms: files.evaluator !== undefined,
  };
  const shares = maxMemory === undefined ? undefined : shareMemory(maxMemory, sizes);
  const kept = Math.max(1, sizes.splits.filter((split) => split.ofAllModels).length);
  const folder = cache?.folder ?? tmpdir();
  return {
    sizes,
    predicted: sizes.byPrograms ? undefined : predictRun(sizes, shares, cache !== undefined),
    shares,
    newStore: () => shares && new LogitsStore({ models, mostBytes: Math.floor(shares.logits / kept), folder }),
  };
}

/** C as the graph states it, else as one-hot labels do, else as the largest label suggests. */
export function classesOf(
  { graph }: { readonly graph: Pick<GraphSizes, 'outputs'> | undefined },
  { output, task }: Pick<PoolFiles, 'output' | 'task'>,
  splits: readonly { readonly labels: Pick<Labels, 'values' | 'classes'> }[],
): number {
  const logits = graph?.outputs.find(({ name }) => name === output) ?? graph?.outputs[0];
  const stated = statedClasses(task?.name ?? MULTI_CLASS.name, logits?.shape);
  if (stated !== undefined) return stated;
  let classes = 2;
  for (const { labels } of splits) {
    classes = Math.max(classes, labels.classes ?? 0);
    for (const label of labels.values) classes = Math.max(classes, label + 1);
  }
  return classes;
}
