import {
  type BatchNormReport,
  bestIndividual,
  type CallOptions,
  type ChoiceStatistics,
  type Explanation,
  estimateWinnersCurse,
  type GreedyOutcome,
  type Mixture,
  type PoolFindings,
  type Problem,
  type SearchOutcome,
  type SearchResult,
  type SoupFacts,
  type SplitScorer,
  type SplitStatistics,
  soupLoses,
  splitStatistics,
  unlessStopped,
} from '@radin/core';
import { explainSearch, versusGreedy } from '../terminal/explain.js';
import type { Terminal } from '../terminal/terminal.js';
import { poolFindings } from './pool-findings.js';
import type { CommandContext } from './run-context.js';

/** What is said of a search's choice without the test split. */
export interface ChoiceFacts {
  readonly bestIndividual: SearchResult;
  readonly statistics: ChoiceStatistics;
  readonly pool: PoolFindings;
  readonly batchNorm?: BatchNormReport;
  readonly greedy?: GreedyOutcome;
  readonly explanation?: Explanation;
  readonly facts?: SoupFacts;
}

export interface ChoiceFactsOptions {
  readonly seed: number;
  readonly explain?: boolean;
  readonly versusGreedy?: boolean;
}

/** Describes the choice; what takes passes, or long, is left out where the user asks to finish. */
export async function choiceFacts(
  problem: Problem,
  result: SearchResult,
  { seed, explain = false, versusGreedy: greedyToo = false }: ChoiceFactsOptions,
  terminal: Terminal,
  { signal, interruption }: CommandContext,
): Promise<{ facts: ChoiceFacts; interrupted: boolean }> {
  const single = await bestIndividual(problem.validation, { signal });
  if (!result.interrupted && soupLoses(result, single)) {
    const names = single.best.mixture.ingredients.map((index) => problem.pool.ids[index]);
    terminal.notice(`note: no soup that was evaluated scores as high as the single model ${names}`);
  }
  const batchNorm = await interruption.finishable((stop) => describeBatchNorm(problem, result, stop, signal));
  const statistics = await interruption.finishable((stop) =>
    choiceStatistics(problem, result, single, seed, terminal, signal, stop),
  );
  const more = await interruption.finishable((stop) =>
    unlessStopped(stop, async () => {
      stop.throwIfAborted();
      const either = AbortSignal.any([signal, stop]);
      const greedy = greedyToo && (await versusGreedy(problem, result, terminal, either));
      const explained = await explainSearch(problem, result, single, { explain, seed, signal: either });
      return { ...explained, ...(greedy && { greedy }) };
    }),
  );
  // An interruption must not lose what is known by now.
  const pool = await interruption.finishable(() => poolFindings(problem, new Map(), signal));
  const facts = { bestIndividual: single, statistics, pool, ...(batchNorm && { batchNorm }), ...more };
  return { facts, interrupted: more === undefined };
}

/** What the validation samples say of the soup and the single model, and those that were held out, which are left out once `stop` is aborted. */
async function choiceStatistics(
  { validation, heldOut }: Problem,
  result: SearchResult,
  single: SearchResult,
  seed: number,
  terminal: Terminal,
  signal: AbortSignal,
  stop: AbortSignal,
): Promise<ChoiceStatistics> {
  const [soup, other] = [result.best.mixture, single.best.mixture];
  const options = { signal: AbortSignal.any([signal, stop]), onProgress: terminal.onProgress };
  const winnersCurse = await estimateWinnersCurse(validation, result, seed, { signal });
  const onValidation = await splitStatistics(validation, soup, other, { signal });
  const unseen = await unlessStopped(stop, async () => {
    stop.throwIfAborted();
    return heldOut && splitStatistics(heldOut, soup, other, options);
  });
  return {
    validation: onValidation,
    ...(unseen && { heldOut: unseen }),
    ...(winnersCurse !== undefined && { winnersCurse }),
  };
}

/** What was done about BatchNorm, and what the best soup would score without it: one more pass, left out once `stop` is aborted. */
async function describeBatchNorm(
  problem: Problem,
  { best: { mixture } }: SearchResult,
  stop: AbortSignal,
  signal: AbortSignal,
): Promise<BatchNormReport | undefined> {
  const { estimator } = problem.soups;
  if (estimator === undefined) return undefined;
  const averagedScore =
    mixture.size === 1
      ? undefined
      : await unlessStopped(stop, () => problem.averagedScore(mixture, AbortSignal.any([signal, stop])));
  const { layers, samples } = estimator;
  return { layers, samples, ...(averagedScore !== undefined && { averagedScore }) };
}

/** What the test split says of the choice beside the best single model, and beside greedy's soup. */
export interface TestedChoice {
  readonly choice: SplitStatistics;
  readonly greedy?: SplitStatistics;
}

export async function testChoice(
  scorer: SplitScorer,
  soup: Mixture,
  { bestIndividual: single, greedy }: ChoiceFacts,
  call: CallOptions,
): Promise<TestedChoice> {
  const choice = await splitStatistics(scorer, soup, single.best.mixture, call);
  if (greedy === undefined) return { choice };
  return { choice, greedy: await splitStatistics(scorer, soup, greedy.result.best.mixture, call) };
}

/** The parts of the outcome to which test scores add. */
export function testOutcome(
  { bestIndividual: single, statistics, pool, greedy }: ChoiceFacts,
  { choice, greedy: tested }: TestedChoice,
): Partial<SearchOutcome> {
  const testScores = new Map(single.best.mixture.ingredients.map((model) => [model, choice.otherScore] as const));
  return {
    testScore: choice.score,
    bestIndividualTestScore: choice.otherScore,
    statistics: { ...statistics, test: choice },
    pool: { ...pool, testScores },
    ...(greedy && tested && { greedy: { ...greedy, test: tested } }),
  };
}
