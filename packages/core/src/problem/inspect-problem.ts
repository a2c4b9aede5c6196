import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Backend } from '@radin/native';
import { type InputsInfo, readSplitInfo, type SplitInfo } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { checkInputs, planGraph } from '../evaluator/index.js';
import { isOnnx, type OnnxModel, readOnnx } from '../formats/index.js';
import { MULTI_CLASS, statedClasses } from '../metric/index.js';
import { type BatchNormFacts, batchNormFacts, graphNames, inspectPool, type PoolInspection } from '../pool/index.js';
import { limitedBackend } from './limited-backend.js';
import { openPool } from './open-pool.js';
import { inspectionMemory, type Prediction, type PredictionListener, predictRun, type RunSizes } from './predict.js';
import { backendNamed } from './problem.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/** All that can be told of a pool before a model runs. */
export interface ProblemInspection extends PoolInspection {
  /** Those whose files' headers belong together; what is wrong with others is among the problems. */
  readonly splits: readonly InspectedSplit[];
  /** Absent where a program evaluates. */
  readonly batchNorm?: Omit<BatchNormFacts, 'notices'>;
  /** What a search takes at most, in bytes; absent where models, graph or validation data cannot be read, or a program evaluates. */
  readonly predicted?: Prediction;
}

/** Without dtype and shape, which are those of the first input, where no inputs are named. */
export interface InspectedSplit
  extends Omit<SplitInfo, 'inputs' | 'rows'>,
    Partial<Pick<InputsInfo, 'dtype' | 'shape'>> {
  /** All of them, where the data have them by their names in the graph. */
  readonly inputs?: readonly Pick<InputsInfo, 'name' | 'dtype' | 'shape'>[];
}

/**
 * Looks at models, graph and data; no program that evaluates is run. `maxMemory` is for what is looked at. Cost: as `inspectPool`, and with `quick` headers and the graph only.
 * @throws RadinError where the graph that is named is none, for then nothing can be told
 */
export async function inspectProblem(
  files: PoolFiles,
  options: Pick<ProblemOptions, 'backend' | 'threads' | 'run' | 'maxMemory'> & {
    readonly quick?: boolean;
    readonly onPrediction?: PredictionListener;
    readonly signal?: AbortSignal;
  },
): Promise<ProblemInspection> {
  const graph = files.evaluator || !files.graph ? undefined : await readOnnx(files.graph);
  const backend = await inspectingBackend(files, options);
  const { stateDict, base, rename, init } = files;
  const { quick, signal } = options;
  const pool = await inspectPool(files.models, graph, backend, {
    ...(stateDict && { stateDict }),
    ...(base && { base }),
    ...(rename && { rename }),
    ...(init && { init }),
    ...(quick && { quick }),
    ...(signal && { signal }),
  });
  const problems = [...pool.problems];
  const attempt = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof RadinError)) throw error;
      // What is wrong with a model is said there.
      const known = [...problems, ...pool.models.flatMap((model) => model.problems)];
      if (!known.includes(error.message)) problems.push(error.message);
      return undefined;
    }
  };
  const splits: SplitInfo[] = [];
  for (const name of ['validation', 'test'] as const) {
    const paths = files[name];
    const info = paths && (await attempt(() => readSplitInfo(name, paths, files.task?.name)));
    if (info !== undefined) splits.push(info);
  }
  const isSound = pool.problems.length === 0 && pool.models.every((model) => model.problems.length === 0);
  const weights = await attempt(() => whatRuns(files, splits, isSound));
  const { notices, ...batchNorm } = weights?.batchNorm ?? { nodes: 0, folded: false, notices: [] };
  const sizes = weights?.graph && sizesOf(pool, weights.graph, files, splits, weights.bytes, options);
  return {
    ...pool,
    splits: splits.map(({ name, samples, inputs, classes }) => ({
      name,
      samples,
      ...(inputs && { dtype: inputs.dtype, shape: inputs.shape, ...namedInputs([inputs, ...(inputs.others ?? [])]) }),
      ...(classes && { classes }),
    })),
    ...(files.evaluator === undefined && { batchNorm }),
    ...(sizes && { predicted: predictRun(sizes, undefined, true) }),
    problems,
    notices: [...pool.notices, ...notices],
  };
}

/** Keeps to the limit, where there is one. @throws RadinError where it is too small */
async function inspectingBackend(
  { models, graph, evaluator }: PoolFiles,
  { backend, maxMemory, onPrediction }: Parameters<typeof inspectProblem>[1],
): Promise<Backend> {
  const named = backendNamed(backend);
  if (maxMemory === undefined) return named;
  const file = evaluator ? undefined : (graph ?? models.find(isOnnx));
  // A file that is not there is told where it is opened.
  const graphBytes = file === undefined ? 0 : ((await stat(file).catch(() => undefined))?.size ?? 0);
  const { work, peakMemory } = inspectionMemory(maxMemory, { models: models.length, graphBytes });
  onPrediction?.(peakMemory);
  return limitedBackend(named, work);
}

/** What each input that has a name is. */
export function namedInputs(all: readonly InputsInfo[]): Pick<InspectedSplit, 'inputs'> {
  const named = all.filter(({ name }) => name !== undefined);
  if (named.length === 0) return {};
  return { inputs: named.map(({ name, dtype, shape }) => ({ ...(name !== undefined && { name }), dtype, shape })) };
}

/** Bytes of one model's weights and what the graph says; the data are checked against the graph where the models are sound. */
async function whatRuns(files: PoolFiles, splits: readonly SplitInfo[], isSound: boolean): Promise<WhatRuns> {
  const { init: _, ...others } = files;
  const opened = await openPool(isSound ? others : { ...others, models: files.models.slice(0, 1) });
  try {
    const { pool, checkpoints, graph, constants } = opened;
    const bytes = pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (graph === undefined) return { bytes, graph };
    const { output, rename, task } = files;
    const names = graphNames(graph, checkpoints, rename);
    if (isSound) {
      const plan = planGraph(graph, pool, {
        ...(output && { output }),
        ...(rename && { rename }),
        ...(task && { task: task.name }),
        constants,
      });
      for (const split of splits) {
        if (split.inputs !== undefined) checkInputs(plan, split.inputs);
        if (plan.classes !== undefined && split.classes !== undefined && plan.classes !== split.classes) {
          throw new RadinError(
            'DATA',
            `Expected one-hot labels of ${plan.classes} classes but found ${split.classes} in the ${split.name} split`,
          );
        }
      }
    }
    return { bytes, graph, batchNorm: batchNormFacts(graph, checkpoints, names, files.batchNormInputs !== undefined) };
  } finally {
    await opened.close();
  }
}

interface WhatRuns {
  readonly bytes: number;
  /** Undefined where a program evaluates. */
  readonly graph: OnnxModel | undefined;
  readonly batchNorm?: BatchNormFacts;
}

function sizesOf(
  pool: PoolInspection,
  graph: OnnxModel,
  { output, task }: PoolFiles,
  splits: readonly SplitInfo[],
  weightBytes: number,
  { threads = availableParallelism(), run = {} }: Pick<ProblemOptions, 'threads' | 'run'>,
): RunSizes | undefined {
  const logits = graph.outputs.find(({ name }) => name === output) ?? graph.outputs[0];
  const stated = statedClasses(task?.name ?? MULTI_CLASS.name, logits?.shape) ?? splits[0]?.classes;
  if (stated === undefined || splits[0]?.name !== 'validation') return undefined;
  return {
    models: pool.models.length,
    weightBytes,
    graphBytes: graph.bytes.byteLength,
    splits: splits.map(({ name, rows }) => ({
      rows,
      ofAllModels: name === 'validation',
    })),
    classes: stated,
    threads,
    mixtures: run.mixtures ?? 0,
    racing: run.racing ?? 0,
  };
}
