/**
 * The cross-entropy of a mixture on one sample, or the probability of the label, to the bit: what every backend computes. The twin of
 * src/cpu/kernels/cross_entropy_kernels.cc and of the loops in src/cpu/cross_entropy.cc.
 *
 * With x_k[c] = ŷ_k[c] − ŷ_k[label], a constant added to a model's logits changes nothing, the label's x is exactly 0, and
 * the loss is log Σ_c exp(Σ_k a_k x_k[c]) with a_k = p_k / T_k. Float32 steps are written as `Math.fround` of one operation on float32 numbers.
 */

import type { SampleMeasure } from './backend.js';
import { sum as sumOf } from './coefficients.js';
import { expNonpositive, logAtLeastOne, powerOfTwo } from './elementary.js';

const { fround } = Math;

/**
 * Samples are added in blocks of this many, and the block sums in block order: a fixed order that threads can keep. Equal to
 * kBlockSamples in src/cpu/cross_entropy.cc.
 */
export const BLOCK_SAMPLES = 256;

/** Classes added in float32 before the sum goes on in float64. Equal to kBlockClasses in src/cpu/cross_entropy.cc. */
const BLOCK_CLASSES = 64;

/** Inside a block, the sums of so many classes are added, (e0 + e1) + (e2 + e3). Equal to kSlotClasses. */
const STEP_CLASSES = 4;

/** Models whose sums mixtures share. Equal to kGroupModels in src/cpu/cross_entropy_plan.h. */
const GROUP_MODELS = 5;

/**
 * The largest |Σ a_k x_k| of the float32 path, and of its x_k where Σ a_k ≤ 1. For losses exponentials stay within 2^±93, far
 * from overflow, subnormals and 0. Probabilities may be held within 2^±120, which is as good as 0 and 1 for them; there the
 * bound keeps rounding small, which grows with |x|. For squared errors 64 squares of exponentials stay below 2^122. Equal to kNear in src/cpu/cross_entropy.cc.
 */
const NEAR: Readonly<Record<SampleMeasure, number>> = { loss: 64, probability: 512, 'squared-error': 40 };

/** Where exponents of 2 end for probabilities. */
const MOST_EXPONENT = 120;

/** A mixture's coefficients a = p / Σp / T and, for the float32 path, what its terms are multiplied with, in units of log2. */
export interface MixingTerms {
  readonly coefficients: Float64Array;
  /** a · log2(e) where all are equal; 0 for other mixtures. */
  readonly scale: number;
  /** The largest |x_k| of the float32 path. */
  readonly near: number;
}

export function mixingTerms(coefficients: Float64Array, measure: SampleMeasure): MixingTerms {
  const ingredients = coefficients.filter((a) => a !== 0);
  const isUniform = ingredients.every((a) => a === ingredients[0]);
  return {
    coefficients,
    scale: isUniform ? fround((ingredients[0] as number) * Math.LOG2E) : 0,
    near: fround(NEAR[measure] / Math.max(1, sumOf(coefficients))),
  };
}

/** One sample's logits [N][C] and label. */
export interface Sample {
  readonly rows: readonly Float32Array[];
  readonly label: number;
}

export interface SampleValue {
  readonly value: number;
  /** Shape [N]: its derivatives by p_k. */
  readonly gradient?: Float64Array;
}

/** The loss of one sample in nats, and its gradient where that is asked for, or the probability of its label. */
export function sampleValue(
  sample: Sample,
  mixture: MixingTerms,
  measure: SampleMeasure,
  withGradient: boolean,
): SampleValue {
  const counts = ({ length }: Float32Array, k: number) => length > 0 && (withGradient || mixture.coefficients[k] !== 0);
  const isNear = sample.rows.every(
    (row, k) =>
      !counts(row, k) || row.every((logit) => Math.abs(fround(logit - (row[sample.label] as number))) <= mixture.near),
  );
  const measured = isNear ? nearValue : farValue;
  return measured(sample, mixture, measure, withGradient);
}

/** In float32, block by block of classes. */
function nearValue(
  { rows, label }: Sample,
  mixture: MixingTerms,
  measure: SampleMeasure,
  withGradient: boolean,
): SampleValue {
  const classes = (rows[0] as Float32Array).length;
  const differences = rows.map((row) => row.map((logit) => logit - (row[label] as number)));
  let [sum, squares] = [0, 0];
  const moments = new Float64Array(rows.length);
  for (let block = 0; block < classes; block += BLOCK_CLASSES) {
    const end = Math.min(block + BLOCK_CLASSES, classes);
    const exponentials = new Float32Array(end - block);
    for (let c = block; c < end; c++)
      exponentials[c - block] = exp2Near(clamped(mixNear(differences, mixture, c), measure));
    sum += sumBySteps(exponentials);
    if (measure === 'squared-error') squares += sumBySteps(exponentials.map((e) => e * e));
    if (!withGradient) continue;
    for (const [k, x] of differences.entries()) {
      const weighted = exponentials.map((e, i) => e * (x[block + i] as number));
      moments[k] = (moments[k] as number) + sumBySteps(weighted);
    }
  }
  if (measure === 'squared-error') return { value: squaredError(sum, squares, 1) };
  const value = measure === 'loss' ? logAtLeastOne(sum) : 1 / sum;
  return withGradient ? { value, gradient: moments.map((moment) => moment / sum) } : { value };
}

/** z_c in units of log2: groups of models added up and then scaled for a uniform subset, else product by product. */
function mixNear(x: readonly Float32Array[], { coefficients, scale }: MixingTerms, c: number): number {
  let total: number | undefined;
  const add = (term: number) => {
    total = total === undefined ? term : fround(total + term);
  };
  for (let first = 0; first < x.length; first += GROUP_MODELS) {
    let group: number | undefined;
    for (let k = first; k < Math.min(first + GROUP_MODELS, x.length); k++) {
      const a = coefficients[k] as number;
      if (a === 0) continue;
      const value = (x[k] as Float32Array)[c] as number;
      if (scale === 0) add(fround(value * fround(a * Math.LOG2E)));
      else group = group === undefined ? value : fround(group + value);
    }
    if (group !== undefined) add(group);
  }
  return scale === 0 ? (total as number) : fround((total as number) * scale);
}

/** Σ_c (p_c − [c = label])², from the sums of e and e² with e = p · `sum`, and the label's e. */
function squaredError(sum: number, squares: number, label: number): number {
  const others = sum - label;
  return (squares - label * label + others * others) / (sum * sum);
}

function clamped(t: number, measure: SampleMeasure): number {
  return measure !== 'probability' ? t : Math.min(Math.max(t, -MOST_EXPONENT), MOST_EXPONENT);
}

/** Float32 values four at a time; those that are missing from the last four count as 0. */
function sumBySteps(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += STEP_CLASSES) {
    const [a = 0, b = 0, c = 0, d = 0] = values.subarray(i, i + STEP_CLASSES);
    sum = fround(sum + fround(fround(a + b) + fround(c + d)));
  }
  return sum;
}

/** 1.5 · 2^23 + 127: adding and then subtracting it rounds |t| < 2^22 to an integer. */
const ROUND_TO_INTEGER = 12582912 + 127;

/** The minimax polynomial of 2^r on [−½, ½] with the constant term 1: relative error below 1.5 · 2^−24. */
const EXP2_COEFFICIENTS = [
  0.00132546026725322, 0.009671999141573906, 0.05550779402256012, 0.24022231996059418, 0.6931469440460205, 1,
].map(fround);

/** 2^t in float32 for |t| ≤ 120, within 4 units of 2^−24. */
export function exp2Near(t: number): number {
  const n = fround(fround(t + ROUND_TO_INTEGER) - ROUND_TO_INTEGER);
  const r = fround(t - n);
  let power = 0;
  for (const coefficient of EXP2_COEFFICIENTS) power = fround(fround(power * r) + coefficient);
  return power * powerOfTwo(n);
}

/** In float64, for logits that lie too far from the label's: z_c = Σ_k a_k x_k[c], k ascending over a_k > 0. */
function farValue(
  { rows, label }: Sample,
  { coefficients }: MixingTerms,
  measure: SampleMeasure,
  withGradient: boolean,
): SampleValue {
  const mixed = new Float64Array((rows[0] as Float32Array).length).fill(-0); // leaves every first product as it is
  for (const [k, row] of rows.entries()) {
    const a = coefficients[k] as number;
    if (a === 0) continue;
    for (const [c, logit] of row.entries()) mixed[c] = (mixed[c] as number) + a * (logit - (row[label] as number));
  }
  const top = mixed.reduce((largest, z) => Math.max(largest, z), -Infinity);
  const exponentials = mixed.map((z) => expNonpositive(z - top));
  const sum = exponentials.reduce((partial, e) => partial + e, 0);
  if (measure === 'squared-error') {
    const squares = exponentials.reduce((partial, e) => partial + e * e, 0);
    return { value: squaredError(sum, squares, expNonpositive(-top)) };
  }
  const loss = logAtLeastOne(sum) + top;
  const value = measure === 'loss' ? loss : expNonpositive(-loss);
  if (!withGradient) return { value };
  const gradient = Float64Array.from(rows, (row) => {
    const moment = row.reduce((m, logit, c) => m + (exponentials[c] as number) * (logit - (row[label] as number)), 0);
    return moment / sum;
  });
  return { value, gradient };
}
