import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { checkBudget, type MixtureScorer } from '../stage2/index.js';
import type { GreedyStep, SearchResult } from './result.js';

export interface GreedyOptions extends CallOptions {
  /** B ≥ 1: greedy stops after B steps. At B ≥ N it has walked the whole pool. */
  readonly budget: number;
  /** Which model is tried first. Default: the best, as in the recipe. */
  readonly order?: 'best-first' | 'worst-first';
  /** What is kept: soups that score at least as high (≥, the recipe), or only those that score higher (>, the released code of [4]). */
  readonly accept?: 'not-worse' | 'better';
}

/**
 * RADIN, Recipe 1 (greedy soup of Wortsman et al. 2022): walk the models from the best to the worst by validation score and
 * keep each one whose soup with those kept scores at least as high. Accepts on ≥, as the recipe; equal models keep pool order.
 * The other order and the other rule are variants, to be labelled as such.
 * The first step evaluates the best individual, whose score is known: it counts as an evaluation, as in the recipe.
 */
export async function greedySoup(scorer: MixtureScorer, options: GreedyOptions): Promise<SearchResult> {
  const { budget, order: first = 'best-first', accept = 'not-worse', signal } = options;
  checkBudget(budget);
  const size = scorer.poolSize;
  const individual = await scorer.individualScores(options);
  const sign = first === 'best-first' ? 1 : -1;
  const order = [...individual.keys()].sort(
    (a, b) => sign * ((individual[b] as number) - (individual[a] as number)) || a - b,
  );
  const steps = order.slice(0, budget);
  const trace: GreedyStep[] = [];
  let kept: readonly number[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const [step, model] of steps.entries()) {
    const mixture = Mixture.uniform(size, [...kept, model]);
    const [score] = (await scorer.scores([mixture], signal ? { signal } : {})) as [number];
    if (accept === 'better' ? score > best : score >= best) {
      kept = mixture.ingredients;
      best = score;
    }
    trace.push({ model, score, kept: kept === mixture.ingredients });
    options.onProgress?.({ phase: 'evaluate', done: step + 1, total: steps.length, best });
  }
  const mixture = Mixture.uniform(size, kept);
  const [approxScore] = (await scorer.approxScores([mixture])) as Iterable<number> as [number];
  const chosen = { mixture, approxScore, rank: 1, score: best };
  const evaluations = steps.length;
  return { method: 'greedy', best: chosen, candidates: [chosen], scored: 1, evaluations, notices: [], trace };
}
