import { Mixture } from '../mixture/index.js';
import type { Criterion } from './ensemble-scores.js';
import type { Sampler, SamplerContext } from './sampler.js';

/** A mixture and the score of its averaged logits, higher is better. */
export interface Scored {
  readonly mixture: Mixture;
  readonly score: number;
}

/** Negative where `a` comes first among mixtures of equal score: the larger, then the lower key. */
export function breakTie(a: Mixture, b: Mixture): number {
  return b.size - a.size || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** Negative where `a` is better. A total order: score, then as `breakTie`. */
export function compareScored(a: Scored, b: Scored): number {
  return b.score - a.score || breakTie(a.mixture, b.mixture);
}

/** The mixtures with their scores, best first. One call of native code. */
export async function scoreAll(
  { ensemble, signal }: SamplerContext,
  mixtures: readonly Mixture[],
  criterion: Criterion,
): Promise<Scored[]> {
  signal?.throwIfAborted();
  const scores = await ensemble.scores(mixtures, criterion, signal);
  return mixtures.map((mixture, index) => ({ mixture, score: scores[index] as number })).sort(compareScored);
}

/** The single models, best first. */
export function scoreSingles(context: SamplerContext, criterion: Criterion): Promise<Scored[]> {
  const { poolSize } = context;
  return scoreAll(
    context,
    Array.from({ length: poolSize }, (_, model) => Mixture.uniform(poolSize, [model])),
    criterion,
  );
}

/** The different mixtures among these, best first, `count` at most. */
export function bestOf(found: readonly Scored[], count: number): Mixture[] {
  const byKey = new Map(found.map((one) => [one.mixture.key, one]));
  return [...byKey.values()]
    .sort(compareScored)
    .slice(0, count)
    .map(({ mixture }) => mixture);
}

/** `forward` by the metric is called `forward`, by cross-entropy `forward-cross-entropy`. */
export function nameBy(name: string, criterion: Criterion): string {
  return criterion === 'metric' ? name : `${name}-${criterion}`;
}

/** What a sampler by that criterion asks of the metric. */
export function climbing(criterion: Criterion): Pick<Sampler, 'climbs'> {
  return criterion === 'metric' ? {} : { climbs: criterion };
}
