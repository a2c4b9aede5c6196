import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import type { Margins } from '../sampler/index.js';
import { readSamples } from './read-samples.js';

/** Logits of all models that are in memory at once, besides what is kept. */
const BLOCK_LOGITS = 2 ** 20;

/**
 * Float32 rounding of the differences, half of 2^-23 of each, is within this part of Σ |d_k|; the rounding of float64 sums of
 * the logits themselves, by which samples are counted, within the other of Σ |ŷ_k|, for up to 2^7 models a thousand times over.
 */
const SLACK_OF_DIFFERENCES = 2 ** -22;
const SLACK_OF_LOGITS = 2 ** -36;

/** Reads the logits, as long as there is room, and keeps the rows that can decide a sample; see Margins. */
export async function readMargins(
  cache: PoolLogits,
  top: number,
  most: number,
  signal?: AbortSignal,
): Promise<Margins> {
  const { samples, classes, labels } = cache;
  const models = cache.logits.length;
  const rows: { readonly differences: Float32Array; readonly slack: number }[] = [];
  const first = [0];
  let withoutRows = 0;
  let complete = true;
  const block = Math.max(1, Math.floor(BLOCK_LOGITS / (models * classes)));
  await forEachBlock(samples, block, signal, (start, count) => {
    if (!complete) {
      withoutRows += count;
      return;
    }
    const logits = Array.from({ length: models }, (_, model) => readSamples(cache, model, start, count));
    for (let sample = 0; sample < count; sample++) {
      const found = rowsOf(logits, sample * classes, classes, labels[start + sample] as number);
      const lost = found.filter(({ least, slack }) => least > slack).length;
      if (lost >= top) continue;
      if (found.length < top) withoutRows++;
      else if (!complete || (rows.length + found.length) * models > most) {
        complete = false;
        withoutRows++;
      } else {
        rows.push(...found);
        first.push(rows.length);
      }
    }
  });
  const differences = new Float32Array(models * rows.length);
  for (const [row, { differences: all }] of rows.entries()) {
    for (let model = 0; model < models; model++) differences[model * rows.length + row] = all[model] as number;
  }
  return {
    top,
    first: Int32Array.from(first),
    differences,
    slack: Float32Array.from(rows, ({ slack }) => slack),
    withoutRows,
    complete,
  };
}

/** The classes of a sample that some model prefers to the label, or nearly. */
function rowsOf(logits: readonly Float32Array[], offset: number, classes: number, label: number) {
  const found: { differences: Float32Array; slack: number; least: number }[] = [];
  for (let c = 0; c < classes; c++) {
    if (c === label) continue;
    let [largest, least, total, magnitude] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
    for (const model of logits) {
      const [value, truth] = [model[offset + c] as number, model[offset + label] as number];
      const difference = value - truth;
      if (difference > largest) largest = difference;
      if (difference < least) least = difference;
      total += Math.abs(difference);
      magnitude += Math.abs(value) + Math.abs(truth);
    }
    const slack = SLACK_OF_DIFFERENCES * total + SLACK_OF_LOGITS * magnitude;
    if (largest < -slack) continue;
    const differences = Float32Array.from(
      logits,
      (model) => (model[offset + c] as number) - (model[offset + label] as number),
    );
    found.push({ differences, slack, least });
  }
  return found;
}
