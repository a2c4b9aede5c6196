import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { Random, STREAMS } from '../random.js';
import { breakTie } from '../sampler/index.js';
import { type Evaluated, NOT_EVALUATED, type SplitScorer } from '../stage2/index.js';
import {
  type Interval,
  type McNemar,
  mcnemar,
  type PairedDifference,
  pairedDifference,
  wilsonInterval,
  winnersCurse,
} from '../statistics/index.js';
import type { SearchResult } from './result.js';

/** Confidence of every interval. */
export const CONFIDENCE = 0.95;

/** The choice against another mixture on the same samples: `onlyFirst` are those that only the choice gets right. */
export interface PairedComparison extends McNemar, PairedDifference {}

/**
 * What one split says of a choice. Intervals and tests are there where the metric counts samples, as accuracy and top-K do; not for
 * other metrics, and not for tokens, which are not independent within a sample.
 */
export interface SplitStatistics {
  /** M of the split. */
  readonly samples: number;
  /** Score of the choice. */
  readonly score: number;
  /** Its Wilson interval, as if it had not been chosen by these samples. */
  readonly interval?: Interval;
  /** Score of the other mixture. */
  readonly otherScore: number;
  readonly versusOther?: PairedComparison;
}

/**
 * Statistics of a choice and another mixture, such as the best individual or greedy's soup, on one split. Cost: an
 * evaluation of each that was not evaluated on this split before.
 */
export async function splitStatistics(
  scorer: SplitScorer,
  choice: Mixture,
  other: Mixture,
  options: CallOptions = {},
): Promise<SplitStatistics> {
  const { samples } = scorer;
  const [first, second] = (await scorer.evaluations([choice, other], options)) as [Evaluated, Evaluated];
  const scores = { samples, score: first.score, otherScore: second.score };
  if (first.correct === undefined || second.correct === undefined || scorer.task === 'token-classification')
    return scores;
  const [onlyFirst, onlySecond] = [countOnly(first.correct, second.correct), countOnly(second.correct, first.correct)];
  return {
    ...scores,
    interval: wilsonInterval(Math.round(first.score * samples), samples, CONFIDENCE),
    versusOther: {
      ...mcnemar(onlyFirst, onlySecond),
      ...pairedDifference(onlyFirst, onlySecond, samples, CONFIDENCE),
    },
  };
}

/**
 * By how much the best of the evaluated candidates is expected to score too high because it is the best (`winnersCurse`);
 * undefined where there are no tests either (`SplitStatistics`), and where an evaluator gave scores only. Samples that a stopped candidate did not see count as for the winner. That hides what the
 * candidate would have lost there, so after a race the estimate is cautious: on examples/digits at B = 25 it is 0.01 to 0.11
 * points above that of full passes, which is 0.04 to 0.16, for the paper's search. It halves the samples of a fixed list of
 * candidates, so it does not see that the adaptive search also proposed them by these samples.
 */
export async function estimateWinnersCurse(
  scorer: SplitScorer,
  { candidates, best }: SearchResult,
  seed: number,
  options: CallOptions = {},
): Promise<number | undefined> {
  const evaluated = candidates
    .filter(({ score, scoreAtMost }) => score !== undefined || scoreAtMost !== undefined)
    .map(({ mixture }) => mixture)
    .sort(breakTie);
  const [winner] = await scorer.evaluations([best.mixture], options);
  if (winner?.correct === undefined || scorer.task === 'token-classification') return undefined;
  const rows: Uint8Array[] = [];
  for (const mixture of evaluated) {
    const row = await outcomes(scorer, mixture, winner.correct, options);
    if (row === undefined) return undefined;
    rows.push(row);
  }
  return winnersCurse(rows, new Random(seed, STREAMS.winnersCurse));
}

async function outcomes(
  scorer: SplitScorer,
  mixture: Mixture,
  winner: Uint8Array,
  options: CallOptions,
): Promise<Uint8Array | undefined> {
  const stopped = scorer.stoppedAt(mixture);
  if (stopped !== undefined) {
    return stopped.map((bit, sample) => (bit === NOT_EVALUATED ? (winner[sample] as number) : bit));
  }
  const [evaluated] = await scorer.evaluations([mixture], options);
  return evaluated?.correct;
}

function countOnly(first: Uint8Array, second: Uint8Array): number {
  return first.reduce((count, bit, sample) => count + (bit & ((second[sample] as number) ^ 1)), 0);
}
