import type { Random } from '../random.js';
import type { EnsembleScores } from '../sampler/index.js';
import { meanOf, type SampledShapley, sampledShapley, standardError } from './sampled-shapley.js';
import { emptyScore } from './shapley.js';
import { singleScores } from './single-scores.js';

/** Shapley and leave-one-out values that were estimated on some of the samples. */
export interface ShapleyOnParts extends Omit<SampledShapley, 'all'> {
  /** Shape [N]: the standard errors of the leave-one-out values. */
  readonly leaveOneOutErrors: Float64Array;
  /** Samples that were looked at. */
  readonly samples: number;
}

/** Parts of samples, which are independent estimates: enough of them for a standard error. */
export const PARTS = 8;

/**
 * Shapley values where all samples would take too long: a mean over the samples is estimated by some of them. Each of `PARTS` disjoint
 * random parts has one pair of permutations of its own (`sampledShapley`), so that the spread of the parts tells what permutations
 * and samples leave uncertain together. What is then missing from v(all) − v(∅) on all samples is shared equally.
 * @param gain v(all) − v(∅) on all samples @param perPart samples of each part, `PARTS` · perPart ≤ M
 */
export async function shapleyOnParts(
  ensemble: EnsembleScores,
  gain: number,
  perPart: number,
  random: Random,
  signal?: AbortSignal,
): Promise<ShapleyOnParts> {
  const { poolSize: size, samples } = ensemble;
  const order = random.permutation(samples);
  const found: SampledShapley[] = [];
  for (let part = 0; part < PARTS; part++) {
    const chosen = order.slice(part * perPart, (part + 1) * perPart).sort();
    const open = await ensemble.onSamples(chosen, signal);
    try {
      const singles = await singleScores(open.ensemble, signal);
      found.push(await sampledShapley(open.ensemble, singles, emptyScore(singles), 1, random, signal));
    } finally {
      open.close();
    }
  }
  const column = (of: (one: SampledShapley) => Float64Array, k: number) => found.map((one) => of(one)[k] as number);
  const means = (of: (one: SampledShapley) => Float64Array) =>
    Float64Array.from({ length: size }, (_, k) => meanOf(column(of, k)));
  const errors = (of: (one: SampledShapley) => Float64Array, mean: Float64Array) =>
    mean.map((centre, k) => standardError(column(of, k), centre));
  const [values, leaveOneOut] = [means((one) => one.values), means((one) => one.leaveOneOut)];
  const missing = gain - values.reduce((sum, value) => sum + value, 0);
  return {
    values: values.map((value) => value + missing / size),
    errors: errors((one) => one.values, values),
    leaveOneOut,
    leaveOneOutErrors: errors((one) => one.leaveOneOut, leaveOneOut),
    evaluations: found.reduce((sum, { evaluations }) => sum + evaluations, 0),
    samples: PARTS * perPart,
  };
}
