import { realpath } from 'node:fs/promises';
import { quote, RadinError } from '../errors/index.js';
import type { OnnxModel, PyTorchOptions, TensorInfo } from '../formats/index.js';
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

/** Opens the model files of a pool, headers only. @throws RadinError where one is unreadable or listed twice. */
export async function openCheckpoints(
  paths: readonly string[],
  options: PyTorchOptions = {},
): Promise<FileCheckpoint[]> {
  const opened: FileCheckpoint[] = [];
  const byTarget = new Map<string, string>();
  try {
    for (const path of paths) {
      const checkpoint = await FileCheckpoint.open(modelId(path), path, options);
      opened.push(checkpoint);
      const target = await realpath(path);
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

export async function closeCheckpoints(checkpoints: readonly FileCheckpoint[]): Promise<void> {
  await Promise.all(checkpoints.map((checkpoint) => checkpoint.close()));
}
