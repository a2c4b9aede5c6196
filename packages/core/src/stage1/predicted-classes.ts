import type { Backend, Bank, RunOptions } from '@radin/native';
import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import { readSamples } from './read-samples.js';

/** Logits of all models that are in memory at once while references are found. */
const BLOCK_LOGITS = 2 ** 20;
/** Logits of rivals that are kept: 32 MiB. */
const MOST_KEPT = 2 ** 23;
/** Rivals by which others are tried to be ruled out, those with the largest sums: the rest rules out hardly any more. */
const MOST_DOMINATORS = 64;

/** Samples whose classes are compared between two turns of the event loop: some milliseconds where their rivals have to be found. */
const COMPARED_AT_ONCE = 64;

/** The classes that can be predicted in the place of a sample's reference. */
interface Rivals {
  /** Ascending. */
  readonly classes: Int32Array;
  /** Shape [N, classes]. */
  readonly logits: Float32Array;
}

/**
 * The classes that mixtures' averaged logits rank highest, ties to the lowest. Nothing is approximated: they are those of the
 * float64 loop of `Bank` over all classes, and the same on every backend.
 *
 * Each sample has a reference, the class that the sum of all models ranks highest. A bank whose labels are the references tells for
 * which samples a mixture predicts another class. Of these only rivals are compared: a class that every model ranks below the
 * reference, or below one and the same other class, is never predicted (docs/numerics.md). Rivals are looked for when a mixture first
 * needs them, and kept as long as there is room.
 */
export class PredictedClasses {
  readonly #cache: PoolLogits;
  readonly #bank: Bank;
  readonly #references: Int32Array;
  readonly #rivals = new Map<number, Rivals>();
  #kept = 0;

  private constructor(cache: PoolLogits, bank: Bank, references: Int32Array) {
    this.#cache = cache;
    this.#bank = bank;
    this.#references = references;
  }

  /** Cost: two reads of the logits. @throws NonFiniteLogitError, SourceError */
  static async open(cache: PoolLogits, backend: Backend, run: RunOptions): Promise<PredictedClasses> {
    const { logits, samples, classes } = cache;
    const references = await referencesOf(cache, run.signal);
    const bank = await backend.openBank({ logits, samples, classes, labels: references, top: 1 }, run);
    return new PredictedClasses(cache, bank, references);
  }

  /**
   * The class that the mixture predicts of each sample, [M]. Cost: the bank's rows, and rivals × ingredients of samples that are not
   * predicted as their reference; N · C for each of those that has no rivals yet, or for which there is no room.
   * @param weights p, or p_k / T_k, [N] @throws SourceError
   */
  async of(weights: Float64Array, run: RunOptions): Promise<Int32Array> {
    const isReference = await this.#bank.correct(weights, run);
    const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
    const coefficients = weights.map((weight) => weight / largest);
    const predicted = this.#references.slice();
    const others = predicted.map((_, sample) => sample).filter((sample) => isReference[sample] === 0);
    await forEachBlock(others.length, COMPARED_AT_ONCE, run.signal, (first, count) => {
      for (const sample of others.subarray(first, first + count)) {
        predicted[sample] = highest(this.#rivalsOf(sample), coefficients);
      }
    });
    return predicted;
  }

  close(): void {
    this.#bank.close();
  }

  #rivalsOf(sample: number): Rivals {
    const known = this.#rivals.get(sample);
    if (known !== undefined) return known;
    const rows = this.#cache.models.map((_, model) => readSamples(this.#cache, model, sample, 1));
    const rivals = rivalsOf(rows, this.#references[sample] as number);
    if (this.#kept + rivals.logits.length <= MOST_KEPT) {
      this.#rivals.set(sample, rivals);
      this.#kept += rivals.logits.length;
    }
    return rivals;
  }
}

/** Of each sample the class with the largest sum over the models. */
async function referencesOf(cache: PoolLogits, signal: AbortSignal | undefined): Promise<Int32Array> {
  const { models, samples, classes } = cache;
  const references = new Int32Array(samples);
  const block = Math.max(1, Math.floor(BLOCK_LOGITS / (models.length * classes)));
  const sums = new Float64Array(block * classes);
  await forEachBlock(samples, block, signal, (first, count) => {
    sums.fill(0);
    for (let model = 0; model < models.length; model++) {
      const values = readSamples(cache, model, first, count);
      for (let at = 0; at < values.length; at++) sums[at] = (sums[at] as number) + (values[at] as number);
    }
    for (let row = 0; row < count; row++) {
      let best = 0;
      for (let c = 1; c < classes; c++) {
        if ((sums[row * classes + c] as number) > (sums[row * classes + best] as number)) best = c;
      }
      references[first + row] = best;
    }
  });
  return references;
}

/** @param rows the models' logits of one sample */
function rivalsOf(rows: readonly Float32Array[], reference: number): Rivals {
  const found: { readonly c: number; readonly sum: number }[] = [];
  for (let c = 0; c < (rows[0] as Float32Array).length; c++) {
    if (c === reference || !rows.some((row) => (row[c] as number) >= (row[reference] as number))) continue;
    found.push({ c, sum: rows.reduce((sum, row) => sum + (row[c] as number), 0) });
  }
  const kept: number[] = [];
  for (const { c } of found.sort((a, b) => b.sum - a.sum)) {
    const isBelow = (other: number) => rows.every((row) => (row[c] as number) < (row[other] as number));
    if (!kept.slice(0, MOST_DOMINATORS).some(isBelow)) kept.push(c);
  }
  const classes = Int32Array.from(kept).sort();
  const logits = new Float32Array(rows.length * classes.length);
  for (const [model, row] of rows.entries()) {
    logits.set(
      Float32Array.from(classes, (c) => row[c] as number),
      model * classes.length,
    );
  }
  return { classes, logits };
}

/** The class with the largest Σ a_k ŷ_k, in float64, k ascending over a_k > 0, from the first product on. */
function highest({ classes, logits }: Rivals, coefficients: Float64Array): number {
  let [best, most] = [-1, Number.NEGATIVE_INFINITY];
  for (let at = 0; at < classes.length; at++) {
    let sum = -0; // what leaves the first product as it is
    for (let model = 0; model < coefficients.length; model++) {
      const a = coefficients[model] as number;
      if (a > 0) sum += a * (logits[model * classes.length + at] as number);
    }
    if (sum > most) [best, most] = [classes[at] as number, sum];
  }
  return best;
}
