/**
 * The contract's bank for bounds on cross-entropy in plain TypeScript and float64; docs/numerics.md says why the bounds hold.
 */

import type {
  CrossEntropyBank,
  CrossEntropyBankRequest,
  CrossEntropyBounds,
  LogitsRequest,
  RunOptions,
} from './backend.js';
import { readLogits, watchSources } from './cached-logits.js';
import { checkCrossEntropyBank } from './check-logits.js';
import { coefficientsBySum } from './coefficients.js';
import { requireFiniteLogits } from './reference-cross-entropy.js';
import { Turn } from './turn.js';
import { checkMixtures, checkOptions } from './validate.js';

/** What rounding can amount to, for each sample and unit of the largest |x|: far above what float64 needs. */
const MARGIN = 1e-12;

/** One sample: classes with their x_k = ŷ_k[c] − ŷ_k[label], and what bounds the sum over the classes that were dropped. */
interface PrunedSample {
  /** A row [N] for each class that is kept. */
  readonly kept: readonly Float64Array[];
  /** exp(Σ p_k l_k) ≤ Σ exp(Σ p_k x_k) over the dropped classes ≤ exp(Σ p_k u_k); both −∞ where none is dropped. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly distance: number;
}

export async function openCrossEntropyBank(
  request: CrossEntropyBankRequest,
  options: RunOptions = {},
): Promise<CrossEntropyBank> {
  const checked = checkCrossEntropyBank(request);
  const turn = new Turn(checkOptions(options));
  const requireUnchanged = watchSources(checked);
  await requireFiniteLogits(checked, turn);
  const pruned: PrunedSample[] = [];
  for (let sample = 0; sample < checked.samples; sample++) {
    pruned.push(prune(checked, sample));
    if (turn.isOver()) await turn.next();
  }
  requireUnchanged();
  return new ReferenceBank(checked, pruned);
}

function prune(request: CrossEntropyBankRequest & { readonly ratio: number }, sample: number): PrunedSample {
  const { classes, labels, ratio } = request;
  const x = differences(request, sample, labels[sample] as number);
  const columns = Array.from({ length: classes }, (_, c) => Float64Array.from(x, (row) => row[c] as number));
  const top = columns.reduce((most, column) => Math.max(most, Math.min(...column)), -Infinity);
  const isKept = (column: Float64Array) => Math.max(...column) >= top + Math.log(ratio);
  const kept = columns.filter(isKept);
  const distance = columns.reduce((most, column) => column.reduce((d, value) => Math.max(d, Math.abs(value)), most), 0);
  return {
    kept,
    distance,
    ...boundDropped(
      columns.filter((column) => !isKept(column)),
      x.length,
    ),
  };
}

/** x_k[c] of one sample. */
function differences(request: LogitsRequest, sample: number, label: number): Float64Array[] {
  return request.logits.map((_, k) => {
    const row = readLogits(request, k, sample * request.classes, request.classes);
    return Float64Array.from(row, (logit) => logit - (row[label] as number));
  });
}

/**
 * f(p) = log Σ_c exp(Σ p_k x_k[c]) is convex: above, Σ p_k f(model k alone); below, its tangent at the uniform mixture,
 * whose gradient is the mean of x_k under the softmax of the classes there.
 */
function boundDropped(columns: readonly Float64Array[], models: number): Pick<PrunedSample, 'lower' | 'upper'> {
  const upper = Float64Array.from({ length: models }, (_, k) =>
    logSumExp(columns.map((column) => column[k] as number)),
  );
  const uniform = columns.map((column) => column.reduce((sum, value) => sum + value, 0) / models);
  if (columns.length === 0) return { lower: upper, upper };
  const top = uniform.reduce((most, value) => Math.max(most, value), -Infinity);
  const weights = uniform.map((value) => Math.exp(value - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const lower = Float64Array.from({ length: models }, (_, k) =>
    columns.reduce((sum, column, c) => {
      const slope = (column[k] as number) - (uniform[c] as number);
      return sum + ((weights[c] as number) / total) * slope;
    }, top + Math.log(total)),
  );
  return { lower, upper };
}

class ReferenceBank implements CrossEntropyBank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly rows: number;
  readonly bytes: number;
  readonly farSamples = 0;
  #pruned: readonly PrunedSample[] | undefined;

  constructor({ logits, samples, classes }: LogitsRequest, pruned: readonly PrunedSample[]) {
    this.models = logits.length;
    this.samples = samples;
    this.classes = classes;
    this.rows = pruned.reduce((sum, { kept }) => sum + kept.length, 0);
    this.bytes = (this.rows + 2 * samples) * this.models * Float64Array.BYTES_PER_ELEMENT;
    this.#pruned = pruned;
  }

  async bounds(mixtures: Float64Array, options: RunOptions = {}): Promise<CrossEntropyBounds> {
    const pruned = this.#pruned;
    if (pruned === undefined) throw new TypeError('Expected a bank that has not been closed');
    const all = coefficientsBySum(checkMixtures(mixtures, this.models), this.models);
    const turn = new Turn(checkOptions(options));
    const lower = new Float64Array(all.length / this.models);
    const upper = new Float64Array(lower.length);
    for (let s = 0; s < lower.length; s++) {
      const p = all.subarray(s * this.models, (s + 1) * this.models);
      for (const sample of pruned) {
        const kept = sample.kept.map((x) => dot(p, x));
        const margin = MARGIN * (1 + sample.distance);
        const below = logSumExp([...kept, dot(p, sample.lower)]) - margin;
        lower[s] = (lower[s] as number) + Math.max(0, below);
        upper[s] = (upper[s] as number) + logSumExp([...kept, dot(p, sample.upper)]) + margin;
        if (turn.isOver()) await turn.next();
      }
    }
    return { lower, upper };
  }

  close(): void {
    this.#pruned = undefined;
  }
}

/** Σ p_k x_k over p_k > 0. */
function dot(p: Float64Array, x: Float64Array): number {
  return p.reduce((sum, weight, k) => (weight === 0 ? sum : sum + weight * (x[k] as number)), 0);
}

function logSumExp(values: readonly number[]): number {
  const top = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (top === -Infinity) return top;
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
