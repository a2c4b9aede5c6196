import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { selectBest } from '../stage1/index.js';
import { checkBudget, type MixtureScorer, scoreUnlessLost } from '../stage2/index.js';
import type { GreedyStep, SearchResult } from './result.js';
import { failureNotices, rankSingles, type Scored } from './scored.js';

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
 * A soup whose evaluation is lost is not kept; where all are, the choice is the best individual.
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
    const found = await scoreUnlessLost(scorer, mixture, signal);
    const isKept = 'score' in found && (accept === 'better' ? found.score > best : found.score >= best);
    if (isKept) {
      kept = mixture.ingredients;
      best = found.score;
    }
    trace.push({ model, ...found, kept: isKept });
    const progress = { phase: 'evaluate', done: step + 1, total: steps.length } as const;
    options.onProgress?.(kept.length > 0 ? { ...progress, best } : progress);
  }
  const chosen = kept.length > 0 ? await candidate(scorer, kept, best) : selectBest(rankSingles(individual));
  const [evaluations, notices] = [steps.length, failureNotices(trace)];
  return { method: 'greedy', best: chosen, candidates: [chosen], scored: 1, evaluations, notices, trace };
}

async function candidate(scorer: MixtureScorer, kept: readonly number[], score: number): Promise<Scored> {
  const mixture = Mixture.uniform(scorer.poolSize, kept);
  const [approxScore] = (await scorer.approxScores([mixture])) as Iterable<number> as [number];
  return { mixture, approxScore, rank: 1, score };
}
