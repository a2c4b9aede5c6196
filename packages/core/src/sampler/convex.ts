import { Mixture } from '../mixture/index.js';
import { minimiseCrossEntropy } from './best-mixture.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { scoreAll, scoreSingles } from './scored.js';
import { minimiseOnSimplex } from './simplex-newton.js';

/** Nats per sample: where the search for the minimum ends. */
const GAP = 5e-7;

/** Best single models that the search starts from, with equal weights, where that is better than the best alone. */
const MODELS_AT_START = 5;

/** The logits' free scale is searched up to 2, and where that is reached up to 4, … 32. */
const [FIRST_SCALE, LAST_SCALE] = [2, 32];

/** Numbers of the copy of the logits for the free scale: 64 MiB. Where they are more, every j-th sample is used. */
const MOST_COPIED = 2 ** 24;

/**
 * The mixture that minimises the cross-entropy of Σ p_k ŷ_k, convex in p, with its certified gap; its ingredients as a uniform
 * subset; and the minimum where the logits may be scaled as well, so that p is not bent to repair their temperature. In this
 * order. Soups of any p are allowed: to first order RADIN, Eq. 3 holds for all of them.
 */
export const convex: Sampler = {
  name: 'convex',
  climbs: 'cross-entropy',
  async *sample(context) {
    const { notify, count } = context;
    const start = await startingPoint(context);
    const { point, loss, gap } = await minimiseCrossEntropy(context, start, GAP);
    const mixture = mixtureOf(point);
    notify?.(
      `convex: cross-entropy ${loss.toFixed(6)} of ${mixture.size} weighted models, at most ${gap.toExponential(1)} above that of any mixture`,
    );
    const support = Mixture.uniform(context.poolSize, mixture.ingredients);
    const free = mixtureOf(await freeOfTemperature(context, point));
    const different = new Map([mixture, support, free].map((one) => [one.key, one]));
    yield* [...different.values()].slice(0, count);
  },
};

async function startingPoint(context: SamplerContext): Promise<Float64Array> {
  const singles = await scoreSingles(context, 'cross-entropy');
  const order = singles.map(({ mixture }) => mixture.ingredients[0] as number);
  const prefixes = [1, 2, 3, MODELS_AT_START].map((size) => Mixture.uniform(context.poolSize, order.slice(0, size)));
  const [best] = await scoreAll(context, prefixes, 'cross-entropy');
  return Float64Array.from((best as { mixture: Mixture }).mixture.weights);
}

/** The weights, divided by their sum, of the minimum over p ≥ 0 of any sum; those of the simplex where scaling is all it wants. */
async function freeOfTemperature({ ensemble, signal }: SamplerContext, point: Float64Array): Promise<Float64Array> {
  let start = point;
  for (let scale = FIRST_SCALE; ; scale *= 2) {
    const scaled = await ensemble.scaledCrossEntropy(scale, MOST_COPIED, signal);
    // Σ p = 1 before scaling; what is left belongs to the model of zeros.
    const from = new Float64Array(start.length + 1);
    from.set(start.map((weight) => weight / scale));
    from[start.length] = 1 - 1 / scale;
    const minimum = (await minimiseOnSimplex(scaled, from, GAP, signal ? { signal } : {})).point;
    const weights = minimum.subarray(0, start.length);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (!(sum > 0)) return point;
    start = weights.map((weight) => weight / sum);
    if ((minimum.at(-1) as number) > 0 || scale >= LAST_SCALE) return start;
  }
}

function mixtureOf(point: Float64Array): Mixture {
  return Mixture.of([...point]);
}
