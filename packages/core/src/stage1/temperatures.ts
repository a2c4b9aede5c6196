import { forEachBlock } from '../blocks.js';
import type { PoolLogits } from '../logits/index.js';
import { readSamples } from './read-samples.js';

/** Logits of one model that its temperature is fitted on. Where there are more, those of every j-th sample are. */
const MOST_FITTED = 2 ** 17;

/** Inverse temperatures stay in these bounds: logits that tell nothing, or all, have their minimum at 0 or at infinity. */
const [LEAST, MOST] = [1e-3, 1e3];

/** Newton doubles the right digits; bisection, where it would leave the bracket, gains one bit a step. */
const MOST_STEPS = 60;
const PRECISION = 1e-6;

/** Digits that are kept, so that no last bit of an exponential decides. */
const DIGITS = 5;

/** T_k that minimises −Σ log softmax(ŷ_k / T)[label] of each model, length N: convex in 1/T, by Newton's method within a bracket. */
export async function fitTemperatures(cache: PoolLogits, signal?: AbortSignal): Promise<Float64Array> {
  const { samples, classes, labels, models } = cache;
  const stride = Math.max(1, Math.ceil((samples * classes) / MOST_FITTED));
  const taken = Math.ceil(samples / stride);
  const temperatures = new Float64Array(models.length);
  await forEachBlock(models.length, 1, signal, (model) => {
    const differences = new Float64Array(taken * classes);
    for (let row = 0; row < taken; row++) {
      const sample = row * stride;
      const logits = readSamples(cache, model, sample, 1);
      const label = logits[labels[sample] as number] as number;
      for (let c = 0; c < classes; c++) differences[row * classes + c] = (logits[c] as number) - label;
    }
    temperatures[model] = Number((1 / leastLossAt(differences, classes)).toPrecision(DIGITS));
  });
  return temperatures;
}

/** The β > 0 at which Σ_m log Σ_c exp(β x[m, c]) is least. */
function leastLossAt(x: Float64Array, classes: number): number {
  let [low, high] = [LEAST, MOST];
  let beta = 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { slope, curvature } = derivatives(x, classes, beta);
    if (slope > 0) high = beta;
    else low = beta;
    const newton = beta - slope / curvature;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    if (Math.abs(next - beta) <= PRECISION * beta) return next;
    beta = next;
  }
  return beta;
}

/** Of the loss by β: the sums over samples of the mean and of the variance of x under softmax(β x). */
function derivatives(x: Float64Array, classes: number, beta: number): { slope: number; curvature: number } {
  let [slope, curvature] = [0, 0];
  for (let first = 0; first < x.length; first += classes) {
    let top = Number.NEGATIVE_INFINITY;
    for (let i = first; i < first + classes; i++) top = Math.max(top, x[i] as number);
    let [sum, moment, square] = [0, 0, 0];
    for (let i = first; i < first + classes; i++) {
      const value = x[i] as number;
      const weight = Math.exp(beta * (value - top));
      sum += weight;
      moment += weight * value;
      square += weight * value * value;
    }
    const mean = moment / sum;
    slope += mean;
    curvature += Math.max(0, square / sum - mean * mean);
  }
  return { slope, curvature };
}
