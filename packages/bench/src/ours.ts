/** Our side of each experiment: the one place that names the backend's functions. */

import { closeSync, openSync } from 'node:fs';
import { type AverageTensor, type Backend, type Measure, openBackend, type Source } from '@radin/native';
import type { LogitPool } from './data/logits.js';
import { WEIGHT_BYTES, type WeightPool } from './data/weights.js';

const backend: Backend = openBackend('auto');

/** The averages of the models named, with equal weights, each into its output, in one pass. */
export async function average(
  pool: WeightPool,
  subsets: readonly (readonly number[])[],
  outputs: readonly Uint8Array[],
  threads: number,
): Promise<void> {
  await averageFrom(pool, subsets, outputs, threads, (model, begin, end) =>
    (pool.models[model] as Uint8Array).subarray(begin, end),
  );
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
    await averageFrom(pool, [[...files.keys()]], [output], threads, range);
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
function mixtureRows(subsets: readonly (readonly number[])[], models: number): Float64Array {
  const rows = new Float64Array(subsets.length * models);
  for (const [s, subset] of subsets.entries()) {
    for (const model of subset) rows[s * models + model] = 1;
  }
  return rows;
}

/** The measure's total of each candidate over the first samples of the pool. */
export async function score(
  { logits, labels, classes }: LogitPool,
  subsets: readonly (readonly number[])[],
  samples: number,
  measure: Measure,
  threads: number,
): Promise<Float64Array> {
  const mixtures = mixtureRows(subsets, logits.length);
  const first = logits.map((values) => values.subarray(0, samples * classes));
  const request = { logits: first, samples, classes, labels: labels.subarray(0, samples), mixtures, measure };
  return backend.score(request, { threads });
}
