import { RadinError } from '../errors/index.js';
import { type OnnxModel, readOnnx } from '../formats/index.js';
import { checkEqualTensors, closeCheckpoints, type FileCheckpoint, openCheckpoints, Pool } from '../pool/index.js';
import type { PoolFiles } from './problem-files.js';

/** The models of a pool and the graph that they share. Holds files until it is closed. */
export interface OpenPool {
  readonly pool: Pool;
  readonly checkpoints: readonly FileCheckpoint[];
  /** Undefined where a program evaluates and needs none. */
  readonly graph: OnnxModel | undefined;
  close(): Promise<void>;
}

/** Opens the models, headers only, and the graph where it is what runs them. @throws RadinError where the models are no pool, or tensors that have no average differ */
export async function openPool(files: PoolFiles): Promise<OpenPool> {
  const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict });
  const close = () => closeCheckpoints(checkpoints);
  try {
    const pool = new Pool(checkpoints);
    await checkEqualTensors(checkpoints);
    const graph = files.evaluator === undefined ? await readOnnx(graphOf(files)) : undefined;
    return { pool, checkpoints, graph, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function graphOf({ graph }: PoolFiles): string {
  if (graph !== undefined) return graph;
  throw new RadinError(
    'CONFIG',
    'Expected a graph, or the command of an evaluator, to run the models but found neither',
  );
}
