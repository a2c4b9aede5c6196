import { allOrNone } from '../all-or-none.js';
import { FiniteSumBet } from '../statistics/index.js';
import type { Outcome } from './race.js';

/** Chunks that one round measures at least, where there are so many. */
const ROUND = 8;

export interface StatisticalTrack {
  /** How many take part; of equal scores the lower index wins. */
  readonly contenders: number;
  /** Samples of each chunk. */
  readonly sizes: readonly number[];
  /** 1 for each sample of the chunks [first, end) that the contender gets right, else 0. */
  readonly measure: (contender: number, first: number, end: number, signal: AbortSignal) => Promise<Uint8Array>;
  readonly score: (correct: number) => number;
}

/**
 * Finds the contender that gets most samples right, of equals the first, with probability 1 − `error` at least, over
 * orders of the samples that are drawn at random without looking at the contenders. All survivors are advanced together;
 * one leaves when it can no longer win, or when the evidence that the leader gets more of *these M samples* right reaches
 * (contenders − 1) / error.
 *
 * The best one leaves wrongly only if one of the other contenders − 1, none of which gets more right, ever shows such
 * evidence against it. For each of them that has probability error / (contenders − 1) at most (`FiniteSumBet`), whenever
 * and however often it is looked at; together at most `error`.
 */
export async function raceStatistically(
  { contenders, sizes, measure, score }: StatisticalTrack,
  error: number,
  signal?: AbortSignal,
): Promise<Outcome> {
  const samples = sizes.reduce((sum, size) => sum + size, 0);
  const outcomes = Array.from({ length: contenders }, () => new Uint8Array(samples));
  const correct = outcomes.map(() => 0);
  const measured = outcomes.map(() => 0);
  const bets = new Map<string, FiniteSumBet>();
  const decisive = (contenders - 1) / error;
  let survivors = [...outcomes.keys()];
  let [chunk, seen] = [0, 0];
  while (chunk < sizes.length) {
    const end = survivors.length === 1 ? sizes.length : chunk + Math.max(1, Math.floor(ROUND / survivors.length));
    const [first, last, start] = [chunk, Math.min(end, sizes.length), seen];
    await allOrNone(
      survivors,
      async (index, _, stop) => {
        const bits = await measure(index, first, last, stop);
        (outcomes[index] as Uint8Array).set(bits, start);
        correct[index] = bits.reduce((sum, bit) => sum + bit, correct[index] as number);
        measured[index] = last;
      },
      signal,
    );
    seen += sizes.slice(first, last).reduce((sum, size) => sum + size, 0);
    chunk = last;
    const leader = best(survivors, correct);
    survivors = survivors.filter((index) => {
      if (index === leader) return true;
      const ahead = (correct[leader] as number) - (correct[index] as number);
      if (ahead > samples - seen || (ahead === samples - seen && leader < index)) return false;
      const key = `${leader},${index}`;
      const bet = bets.get(key) ?? new FiniteSumBet(samples);
      bets.set(key, bet);
      const [ours, theirs] = [outcomes[leader] as Uint8Array, outcomes[index] as Uint8Array];
      for (let at = samples - bet.left; at < seen; at++) bet.add((ours[at] as number) - (theirs[at] as number));
      return bet.evidence < decisive;
    });
  }
  const scores = correct.map((count, index) => {
    const past = sizes.slice(measured[index]).reduce((sum, size) => sum + size, 0);
    return score(count + past);
  });
  return { winner: best(survivors, correct), measured, scores };
}

function best(contenders: readonly number[], correct: readonly number[]): number {
  return contenders.reduce((leader, index) =>
    (correct[index] as number) > (correct[leader] as number) ? index : leader,
  );
}
