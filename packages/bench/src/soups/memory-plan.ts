import {
  classesOf,
  type MemoryShares,
  type OnnxModel,
  type Pool,
  type PoolFiles,
  predictRun,
  type RunSizes,
  shareMemory,
} from '@radin/core';
import type { Union } from './union.js';

/** Bytes that an `Outcome` has for each sample, where labels are observed as they are. */
const OUTCOME_BYTES = 5;

/** What a run may take, and what it does as far as its memory depends on it. */
export interface LimitedRun {
  /** Bytes. */
  readonly maxMemory: number;
  /** Soups of which outcomes are remembered, at most. */
  readonly soups: number;
  /** Mixtures that are scored and ranked. */
  readonly mixtures: number;
}

export interface MemoryPlan {
  readonly shares: MemoryShares;
  /** Bytes, at most. */
  readonly predicted: number;
  readonly maxMemory: number;
}

/** Divides the limit. @throws RadinError where it is too small */
export function memoryPlan(
  { pool, graph }: { readonly pool: Pool; readonly graph: OnnxModel },
  files: PoolFiles,
  { samples, labels }: Union,
  { maxMemory, soups, mixtures, threads }: LimitedRun & { readonly threads: number },
): MemoryPlan {
  const sizes: RunSizes = {
    models: pool.size,
    weightBytes: pool.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0),
    graphBytes: graph.bytes.byteLength,
    splits: [{ rows: samples, ofAllModels: true }],
    classes: classesOf({ graph }, files, [{ labels: { values: labels } }]),
    threads,
    mixtures,
    racing: 0,
    remembered: soups * samples * OUTCOME_BYTES,
  };
  const shares = shareMemory(maxMemory, sizes);
  return { shares, predicted: predictRun(sizes, shares, false).peakMemory, maxMemory };
}
