import { type OnnxModel, readOnnx } from '../formats/index.js';
import {
  checkEqualTensors,
  closeCheckpoints,
  type FileCheckpoint,
  openCheckpoints,
  openInit,
  Pool,
} from '../pool/index.js';
import type { PoolFiles } from './problem-files.js';

/** The models of a pool and the graph that they share. Holds files until it is closed. */
export interface OpenPool {
  readonly pool: Pool;
  readonly checkpoints: readonly FileCheckpoint[];
  readonly graph: OnnxModel;
  /** What all models were fine-tuned from, where that is known. */
  readonly init: FileCheckpoint | undefined;
  close(): Promise<void>;
}

/** Opens the models, headers only, and the graph. @throws RadinError where the models are no pool, or tensors that have no average differ */
export async function openPool(files: PoolFiles): Promise<OpenPool> {
  const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict });
  let init: FileCheckpoint | undefined;
  const close = () => closeCheckpoints(init === undefined ? checkpoints : [...checkpoints, init]);
  try {
    const pool = new Pool(checkpoints);
    if (files.init !== undefined) init = await openInit(files.init, pool, { stateDict: files.stateDict });
    await checkEqualTensors(checkpoints);
    return { pool, checkpoints, graph: await readOnnx(files.graph), init, close };
  } catch (error) {
    await close();
    throw error;
  }
}
