import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import type { Metric, SampleTerm } from '../metric/index.js';
import type { Random } from '../random.js';
import { readSamples } from '../stage1/index.js';
import { partTotals } from './part-totals.js';

/** Logits read between two looks at the signal: some milliseconds. */
const READ_AT_ONCE = 2 ** 22;

/** The order in which the samples of a split are evaluated in a race. */
export interface RacingOrder {
  /** A permutation of the samples. */
  readonly samples: Uint32Array;
  /** At each place of that order, how much a good contender is expected to fall short of the most: wrong samples, or nats. */
  readonly expectedMisses: Float64Array;
}

/**
 * The samples that a mixture is most likely to lose something on first: by the margin of the label's averaged logit over
 * the k-th best of the others, ascending, or by the cross-entropy, descending. Equal ones keep their order.
 * Cost: one pass over the logits.
 * @param mixture p, length N: the mean of the contenders'
 */
export async function orderByDifficulty(
  cache: PoolLogits,
  mixture: Float64Array,
  metric: Metric,
  signal?: AbortSignal,
): Promise<RacingOrder> {
  const found = await advantages(cache, mixture, metric, signal);
  const order = Uint32Array.from(found.keys()).sort((a, b) => (found[a] as number) - (found[b] as number) || a - b);
  const { most } = partTotals(metric, cache.samples, cache.classes);
  const miss = metric.measure.kind === 'top' ? (margin: number) => (margin > 0 ? 0 : 1) : (gets: number) => most - gets;
  return { samples: order, expectedMisses: Float64Array.from(order, (sample) => miss(found[sample] as number)) };
}

/**
 * What the averaged logits of a mixture have on each sample: the margin of the label's logit over the k-th best of the others, or
 * what it gets there by other metrics, such as minus the cross-entropy in nats (`PartTotals`). Cost: one pass over the logits.
 * @param mixture p, length N
 */
export async function advantages(
  cache: PoolLogits,
  mixture: Float64Array,
  metric: Metric,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { samples, classes } = cache;
  const models = [...mixture.keys()].filter((model) => (mixture[model] as number) > 0);
  const mean = new Float64Array(classes);
  const advantage = advantageBy(metric, cache);
  const found = new Float64Array(samples);
  const block = Math.max(1, Math.floor(READ_AT_ONCE / (models.length * classes)));
  await forEachBlock(samples, block, signal, (first, count) => {
    const logits = models.map((model) => readSamples(cache, model, first, count));
    for (let row = 0; row < count; row++) {
      mean.fill(0);
      for (const [at, model] of models.entries()) {
        const [weight, values] = [mixture[model] as number, logits[at] as Float32Array];
        for (let c = 0; c < classes; c++)
          mean[c] = (mean[c] as number) + weight * (values[row * classes + c] as number);
      }
      found[first + row] = advantage(mean, first + row);
    }
  });
  return found;
}

/** An order that knows nothing of the samples, as statistical racing needs. */
export function randomOrder(samples: number, random: Random): RacingOrder {
  return { samples: random.permutation(samples), expectedMisses: new Float64Array(samples) };
}

function advantageBy(
  { measure, score, negated }: Metric,
  { classes, labels, targets = new Float64Array() }: PoolLogits,
): (logits: Float64Array, sample: number) => number {
  const ofLabel = (of: (logits: Float64Array, label: number) => number) => (logits: Float64Array, sample: number) =>
    of(logits, labels[sample] as number);
  switch (measure.kind) {
    case 'top':
      return ofLabel(marginOf(measure.k, classes));
    case 'squared-error':
      return ofLabel((logits, label) => score(squaredError(logits, label), 1));
    case 'cross-entropy':
      return ofLabel((logits, label) => score(crossEntropyOf(logits, label), 1));
    case 'predictions': {
      const term = measure.term as SampleTerm;
      return (outputs, sample) => {
        const own = term.of(outputs, targets.subarray(sample * classes, (sample + 1) * classes), 0, classes);
        return negated ? -own / (term.per === 'output' ? classes : 1) : own;
      };
    }
    case 'classes':
      throw new RangeError('Expected a metric that is a mean over the samples');
  }
}

/** The label's logit minus the k-th largest of the others; infinite where there are not k others. */
function marginOf(k: number, classes: number): (logits: Float64Array, label: number) => number {
  // Descending; insertion is fast for the small k that are used.
  const largest = new Float64Array(k);
  return (logits, label) => {
    if (k >= classes) return Number.POSITIVE_INFINITY;
    largest.fill(Number.NEGATIVE_INFINITY);
    for (let c = 0; c < classes; c++) {
      const logit = logits[c] as number;
      if (c === label || logit <= (largest[k - 1] as number)) continue;
      let at = k - 1;
      for (; at > 0 && (largest[at - 1] as number) < logit; at--) largest[at] = largest[at - 1] as number;
      largest[at] = logit;
    }
    return (logits[label] as number) - (largest[k - 1] as number);
  };
}

/** −log softmax(z)[label], in nats. */
function crossEntropyOf(logits: Float64Array, label: number): number {
  const most = largestOf(logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
  return Math.log(sum) + most - (logits[label] as number);
}

/** Σ_c (softmax(z)[c] − [c = label])². */
function squaredError(logits: Float64Array, label: number): number {
  const most = largestOf(logits);
  let [sum, squares] = [0, 0];
  for (const logit of logits) {
    const exponential = Math.exp(logit - most);
    sum += exponential;
    squares += exponential * exponential;
  }
  return squares / (sum * sum) - (2 * Math.exp((logits[label] as number) - most)) / sum + 1;
}

function largestOf(logits: Float64Array): number {
  return logits.reduce((max, logit) => Math.max(max, logit), Number.NEGATIVE_INFINITY);
}
