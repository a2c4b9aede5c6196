import { type OnnxModel, readOnnx } from '../formats/index.js';
import { checkEqualTensors, closeCheckpoints, type FileCheckpoint, openCheckpoints, Pool } from '../pool/index.js';
import type { PoolFiles } from './problem-files.js';

/** The models of a pool and the graph that they share. Holds files until it is closed. */
export interface OpenPool {
  readonly pool: Pool;
  readonly checkpoints: readonly FileCheckpoint[];
  readonly graph: OnnxModel;
  close(): Promise<void>;
}

/** Opens the models, headers only, and the graph. @throws RadinError where the models are no pool, or tensors that have no average differ */
export async function openPool(files: PoolFiles): Promise<OpenPool> {
  const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict, base: files.base });
  const close = () => closeCheckpoints(checkpoints);
  try {
    const pool = new Pool(checkpoints);
    await checkEqualTensors(checkpoints);
    return { pool, checkpoints, graph: await readOnnx(files.graph), close };
  } catch (error) {
    await close();
    throw error;
  }
}
