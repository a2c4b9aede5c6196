/** Our side of each experiment: the one place that names the backend's functions. */

import { closeSync, openSync, readSync } from 'node:fs';
import { type AverageTensor, type Backend, type Measure, openBackend } from '@radin/native';
import type { LogitPool } from './data/logits.js';
import { WEIGHT_BYTES, type WeightPool } from './data/weights.js';

const backend: Backend = openBackend('auto');

/** Averages the models named, with equal weights, into `output`. */
export async function average(
  pool: WeightPool,
  models: readonly number[],
  output: Uint8Array,
  threads: number,
): Promise<void> {
  let begin = 0;
  const tensors = pool.tensors.map(({ elements }): AverageTensor => {
    const end = begin + elements * WEIGHT_BYTES[pool.dtype];
    const part = (bytes: Uint8Array) => bytes.subarray(begin, end);
    const ingredients = models.map((model) => part(pool.models[model] as Uint8Array));
    const tensor = { dtype: pool.dtype, ingredients, output: part(output) };
    begin = end;
    return tensor;
  });
  const weights = new Float64Array(models.length).fill(1);
  await backend.average({ weights, divisor: models.length, tensors }, { threads });
}

/** The same from files of the models' bytes, which are read into `pool` first. */
export async function averageFiles(
  files: readonly string[],
  pool: WeightPool,
  models: readonly number[],
  output: Uint8Array,
  threads: number,
): Promise<void> {
  for (const model of models) {
    const file = openSync(files[model] as string, 'r');
    readSync(file, pool.models[model] as Uint8Array);
    closeSync(file);
  }
  await average(pool, models, output, threads);
}

/** The measure's total of each candidate over the first samples of the pool. */
export async function score(
  { logits, labels, classes }: LogitPool,
  subsets: readonly (readonly number[])[],
  samples: number,
  measure: Measure,
  threads: number,
): Promise<Float64Array> {
  const mixtures = new Float64Array(subsets.length * logits.length);
  for (const [s, subset] of subsets.entries()) {
    for (const model of subset) mixtures[s * logits.length + model] = 1;
  }
  const first = logits.map((values) => values.subarray(0, samples * classes));
  const request = { logits: first, samples, classes, labels: labels.subarray(0, samples), mixtures, measure };
  return backend.score(request, { threads });
}
