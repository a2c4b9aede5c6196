/** Our side of each experiment: the one place that names the backend's functions. */

import { closeSync, openSync } from 'node:fs';
import {
  type AllSubsets,
  type AverageTensor,
  type Backend,
  type Bank,
  type CrossEntropyBounds,
  openBackend,
  type Source,
} from '@radin/native';
import type { LogitPool } from './data/logits.js';
import { WEIGHT_BYTES, type WeightPool } from './data/weights.js';

const usual: Backend = openBackend('auto');

/** The averages of the models named, with equal weights, each into its output, in one pass. */
export async function average(
  pool: WeightPool,
  subsets: readonly (readonly number[])[],
  outputs: readonly Uint8Array[],
  threads: number,
  backend = usual,
): Promise<void> {
  const range = (model: number, begin: number, end: number) => (pool.models[model] as Uint8Array).subarray(begin, end);
  await averageFrom(pool, subsets, outputs, threads, range, backend);
}

/** The average of all models from files of their bytes, straight into the output. */
export async function averageFiles(
  files: readonly string[],
  pool: WeightPool,
  output: Uint8Array,
  threads: number,
): Promise<void> {
  const descriptors = files.map((file) => openSync(file, 'r'));
  try {
    const range = (model: number, begin: number, end: number) => ({
      fd: descriptors[model] as number,
      offset: begin,
      byteLength: end - begin,
    });
    await averageFrom(pool, [[...files.keys()]], [output], threads, range, usual);
  } finally {
    descriptors.forEach(closeSync);
  }
}

async function averageFrom(
  pool: WeightPool,
  subsets: readonly (readonly number[])[],
  outputs: readonly Uint8Array[],
  threads: number,
  sourceOf: (model: number, begin: number, end: number) => Source,
  backend: Backend,
): Promise<void> {
  let begin = 0;
  const tensors = pool.tensors.map(({ elements }): AverageTensor => {
    const [first, end] = [begin, begin + elements * WEIGHT_BYTES[pool.dtype]];
    begin = end;
    return {
      dtype: pool.dtype,
      ingredients: pool.models.map((_, model) => sourceOf(model, first, end)),
      outputs: outputs.map((output) => output.subarray(first, end)),
    };
  });
  const weights = mixtureRows(subsets, pool.models.length);
  const divisors = Float64Array.from(subsets, ({ length }) => length);
  await backend.average({ weights, divisors, tensors }, { threads });
}

/** Rows of weights 1 for the models of each subset. */
export function mixtureRows(subsets: readonly (readonly number[])[], models: number): Float64Array {
  const rows = new Float64Array(subsets.length * models);
  for (const [s, subset] of subsets.entries()) {
    for (const model of subset) rows[s * models + model] = 1;
  }
  return rows;
}

/** The pool's first samples as a request: all of them where `samples` is left out. */
function logitsRequest({ logits, labels, classes }: LogitPool, samples = labels.length) {
  return {
    logits: logits.map((values) => ({ dtype: 'F32' as const, source: bytesOf(values.subarray(0, samples * classes)) })),
    samples,
    classes,
    labels: labels.subarray(0, samples),
  };
}

/** A bank of the first samples and the correct samples of each candidate. */
export async function countCorrect(
  pool: LogitPool,
  subsets: readonly (readonly number[])[],
  samples: number,
  threads: number,
): Promise<Float64Array> {
  const bank = await openBank(pool, threads, samples);
  try {
    return await bank.count(mixtureRows(subsets, pool.logits.length), { threads });
  } finally {
    bank.close();
  }
}

export function openBank(pool: LogitPool, threads: number, samples?: number, backend = usual): Promise<Bank> {
  return backend.openBank({ ...logitsRequest(pool, samples), top: 1 }, { threads });
}

/** A bank straight from files of the models' float32 logits. */
export async function openBankOfFiles(files: readonly string[], pool: LogitPool, threads: number): Promise<Bank> {
  const descriptors = files.map((file) => openSync(file, 'r'));
  try {
    const logits = pool.logits.map(({ byteLength }, model) => ({
      dtype: 'F32' as const,
      source: { fd: descriptors[model] as number, offset: 0, byteLength },
    }));
    return await usual.openBank({ ...logitsRequest(pool), logits, top: 1 }, { threads });
  } finally {
    descriptors.forEach(closeSync);
  }
}

/** All subsets of a bank, the best thousand kept. */
export function allSubsets(bank: Bank, threads: number): Promise<AllSubsets> {
  return bank.allSubsets({ keep: 1000, lambda: 0 }, { threads });
}

/** Cross-entropy of each candidate over the first samples, every class of every mixture. */
export async function crossEntropy(
  pool: LogitPool,
  subsets: readonly (readonly number[])[],
  samples: number,
  threads: number,
): Promise<Float64Array> {
  const mixtures = mixtureRows(subsets, pool.logits.length);
  const { totals } = await usual.crossEntropy({ ...logitsRequest(pool, samples), mixtures }, { threads });
  return totals;
}

/** Certified bounds on the same: a bank, then lower and upper bound of each candidate. */
export async function crossEntropyBounds(
  pool: LogitPool,
  subsets: readonly (readonly number[])[],
  samples: number,
  threads: number,
): Promise<CrossEntropyBounds> {
  const bank = await usual.openCrossEntropyBank(logitsRequest(pool, samples), { threads });
  try {
    return await bank.bounds(mixtureRows(subsets, pool.logits.length), { threads });
  } finally {
    bank.close();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
