import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, quote, RadinError } from '../errors/index.js';
import { isAdapterFile, isShardIndex, type ModelOptions, type OnnxModel, type TensorInfo } from '../formats/index.js';
import { alignCheckpoints, widestGraph } from './aligned.js';
import { type Checkpoint, FileCheckpoint } from './checkpoint.js';
import { graphProblems, layoutProblems, type Problem, quantisedProblems } from './compatibility.js';
import { type GraphNames, SAME_NAMES } from './graph-names.js';
import { modelId } from './model-file.js';

/** N checkpoints that can be averaged with each other: same tensor names, shapes and dtypes. */
export class Pool {
  /** @throws RadinError where the pool is empty, two models share an id, or the models' layouts differ (naming both sides). */
  constructor(readonly checkpoints: readonly Checkpoint[]) {
    const problem = poolProblems(checkpoints)[0];
    if (problem !== undefined) throw new RadinError('POOL', problem.message);
  }

  /** N. */
  get size(): number {
    return this.checkpoints.length;
  }

  get ids(): readonly string[] {
    return this.checkpoints.map(({ id }) => id);
  }

  /** The tensors that every model has, in the first model's order. */
  get tensors(): readonly TensorInfo[] {
    return (this.checkpoints[0] as Checkpoint).tensors;
  }

  /** @throws RadinError naming the first weight that the graph does not have in this shape and dtype. */
  checkGraph(graph: OnnxModel, names: GraphNames = SAME_NAMES): void {
    const [problem] = this.checkpoints.flatMap((checkpoint) => graphProblems(graph, checkpoint, names));
    if (problem !== undefined) throw new RadinError('POOL', problem.message);
  }
}

/** Everything that keeps these checkpoints from being a pool, model by model; empty if nothing does. */
export function poolProblems(checkpoints: readonly Checkpoint[]): Problem[] {
  const [first, ...others] = checkpoints;
  if (first === undefined) return [{ message: 'Expected at least one model in the pool but found none' }];
  const seen = new Set<string>();
  const repeated = checkpoints.filter(({ id }) => seen.size === seen.add(id).size);
  return [
    ...repeated.map(({ id }) => ({
      model: id,
      message: `Expected each model's file name to be used once but found two models called ${quote(id)}`,
    })),
    ...quantisedProblems(checkpoints),
    ...layoutProblems([first, ...others]),
  ];
}

/** Opens the model files of a pool, headers only. @throws RadinError where one is unreadable, listed twice, or an adapter without `base`. */
export async function openCheckpoints(paths: readonly string[], options: ModelOptions = {}): Promise<FileCheckpoint[]> {
  const opened: FileCheckpoint[] = [];
  const byTarget = new Map<string, string>();
  try {
    for (const path of paths) {
      if (options.base === undefined && isAdapterFile(path)) throw withoutBase(path);
      const checkpoint = await FileCheckpoint.open(modelId(path), path, options);
      opened.push(checkpoint);
      const target = await targetOf(path);
      const earlier = byTarget.get(target);
      if (earlier !== undefined) {
        throw new RadinError(
          'POOL',
          `Expected each model once but found ${quote(path)} listed twice (also as ${quote(earlier)})`,
        );
      }
      byTarget.set(target, path);
    }
    return opened;
  } catch (error) {
    await closeCheckpoints(opened);
    throw error;
  }
}

function withoutBase(path: string): RadinError {
  return new RadinError(
    'CONFIG',
    `Expected the model that adapters change (base: FILE in radin.yaml, or --base FILE) because ${path} is an adapter, but found none`,
  );
}

/** What a path leads to. Different models may have one index, to which snapshots in a cache of the Hub are links. */
async function targetOf(path: string): Promise<string> {
  try {
    return isShardIndex(path) ? join(await realpath(dirname(path)), basename(path)) : await realpath(path);
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/**
 * Opens the model that a pool's were fine-tuned from, headers only, and makes it alike to them.
 * @param reference the graph that models in ONNX must be; left out: that of the pool's models
 * @throws RadinError where it is unreadable or has another layout
 */
export async function openInit(
  path: string,
  pool: Pool,
  { reference, ...options }: ModelOptions & { readonly reference?: OnnxModel | undefined } = {},
): Promise<{ readonly init: FileCheckpoint; readonly notices: readonly string[] }> {
  const [opened] = (await openCheckpoints([path], options)) as [FileCheckpoint];
  const models = pool.checkpoints.filter((model) => model instanceof FileCheckpoint);
  const { checkpoints, problems, notices } = alignCheckpoints([opened], {
    reference: reference ?? widestGraph(models),
    others: pool.tensors,
  });
  const [init] = checkpoints as [FileCheckpoint];
  const [problem] = [...problems, ...layoutProblems([pool.checkpoints[0] as Checkpoint, init])];
  if (problem === undefined) return { init, notices };
  await init.close();
  throw new RadinError('POOL', `${problem.message}, which init names`);
}

export async function closeCheckpoints(checkpoints: readonly FileCheckpoint[]): Promise<void> {
  await Promise.all(checkpoints.map((checkpoint) => checkpoint.close()));
}
