import {
  basinWarnings,
  type Explanation,
  explainEnsemble,
  type GreedyOutcome,
  greedySoup,
  leastSecondsToExplain,
  type Problem,
  type SearchResult,
  type SoupFacts,
  soupFacts,
  soupLeaveOneOut,
  soupLoses,
  splitStatistics,
} from '@radin/core';
import type { Terminal } from './terminal.js';

/** What explaining may cost where it is asked for, and where it is not. */
export const ASKED = { exactUpTo: 24, seconds: 3, samplePairs: true } as const;
const UNASKED = { exactUpTo: 16, seconds: 0.3, samplePairs: false } as const;

/** Seconds beyond which it is left out where it is not asked for. */
const MOST_UNASKED = 3;

export interface SearchExplanationOptions {
  /** Whether the user asked for it. */
  readonly explain: boolean;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/**
 * What a search has to explain, without a forward pass: what the models are worth, unasked at little cost; and where no soup wins, what
 * can say why.
 */
export async function explainSearch(
  problem: Problem,
  result: SearchResult,
  single: SearchResult,
  { explain, seed, signal }: SearchExplanationOptions,
): Promise<{ readonly explanation?: Explanation; readonly facts?: SoupFacts }> {
  const { validation, pool } = problem;
  const loses = soupLoses(result, single);
  const outside = loses ? basinWarnings(await problem.geometry({ signal })).map(({ model }) => model) : [];
  const indices = pool.checkpoints.flatMap(({ id }, index) => (outside.includes(id) ? [index] : []));
  const facts = loses ? { facts: await soupFacts(validation, result, indices, { signal }) } : {};
  const ensemble = await validation.ensemble({ signal });
  if (!explain && leastSecondsToExplain(ensemble) > MOST_UNASKED) return facts;
  const { best, candidates } = result;
  const explained = await explainEnsemble(ensemble, await validation.individualScores({ signal }), {
    ...(explain ? ASKED : UNASKED),
    seed,
    chosen: best.mixture.ingredients,
    candidates,
    signal,
  });
  const scored = [...candidates, ...single.candidates].flatMap(({ mixture, score }) =>
    score === undefined ? [] : [[mixture.key, score] as const],
  );
  const ingredients = await soupLeaveOneOut(ensemble, best, new Map(scored), signal);
  return { explanation: { ensemble: explained, ingredients }, ...facts };
}

/** Greedy's soup of the same pool, whose up to N evaluations are beyond the budget, and the choice against it by the validation split. */
export async function versusGreedy(
  { validation, pool }: Problem,
  result: SearchResult,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<GreedyOutcome> {
  const call = { signal, onProgress: terminal.onProgress };
  const greedy = await greedySoup(validation, { ...call, budget: pool.size });
  terminal.finish();
  for (const notice of greedy.notices) terminal.notice(`note: ${notice}`);
  const [ours, theirs] = [result.best.mixture, greedy.best.mixture];
  return {
    result: greedy,
    validation: await splitStatistics(validation, ours, theirs, { signal }),
  };
}
