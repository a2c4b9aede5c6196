import { Mixture, type MixtureScorer } from '@radin/core';
import type { Choice, StrategyOptions } from './strategy.js';

/**
 * Top-k: the best soup of the k best models by validation score, k = 1 … B + 1. The best individual, k = 1, costs nothing;
 * among equal scores the larger soup, as in every ranking.
 */
export async function bestPrefix(scorer: MixtureScorer, { budget, signal }: StrategyOptions): Promise<Choice> {
  const size = scorer.poolSize;
  const options = signal ? { signal } : {};
  const individual = await scorer.individualScores(options);
  const order = [...individual.keys()].sort((a, b) => (individual[b] as number) - (individual[a] as number) || a - b);
  const prefixes = Array.from({ length: Math.min(size, budget + 1) }, (_, k) =>
    Mixture.uniform(size, order.slice(0, k + 1)),
  );
  const scores = await scorer.scores(prefixes, options);
  const chosen = scores.reduce((best, score, k) => (score >= (scores[best] as number) ? k : best), 0);
  const mixture = prefixes[chosen] as Mixture;
  const [approxScore] = (await scorer.approxScores([mixture], options)) as Iterable<number> as [number];
  const best = { mixture, approxScore, rank: 1, score: scores[chosen] as number };
  return { best, evaluations: prefixes.length - 1 };
}
