import { allOrNone } from '../all-or-none.js';

/** Chunks that one round measures at least, where there are so many: enough to keep the threads of a machine busy. */
const ROUND = 8;

/**
 * Share of the leader's expected misses that puts a contender beside it: so close, it will very likely have to be advanced
 * anyway and can be at the same time. With this share, rounds measure no more chunks on examples/digits at B = 25 than
 * advancing one contender at a time does.
 */
const SIDE_BY_SIDE = 0.5;

/** What a race is about. It knows neither soups nor samples, only who gets how much in which chunk. */
export interface Track {
  /** How many take part; of equal scores the lower index wins. */
  readonly contenders: number;
  /** For each chunk the most that it can add to a total: its samples where right ones are counted, 0 for negated losses. */
  readonly most: readonly number[];
  /** For each chunk how much less a good contender is expected to get. Decides what is measured when, never who wins. */
  readonly expectedMisses: readonly number[];
  /** Scores of contenders that need no measuring. */
  readonly known: ReadonlyMap<number, number>;
  /** The score of a total; never falls where the total rises. */
  readonly score: (total: number) => number;
  /** What the contender gets in each of the chunks [first, end). */
  readonly measure: (contender: number, first: number, end: number, signal: AbortSignal) => Promise<readonly number[]>;
}

export interface Outcome {
  readonly winner: number;
  /** How many chunks were measured, from the first on, of each contender. */
  readonly measured: readonly number[];
  /** Scores where all chunks were measured; elsewhere what the score can be at most. */
  readonly scores: readonly number[];
}

/**
 * Finds the contender with the highest score, of equals the first, without measuring all chunks of the others.
 *
 * A contender's total is at most what it has so far plus the most of its remaining chunks. The one with the highest bound,
 * the leader, is advanced, until a leader has nothing left to measure: its bound is its score, no other can exceed it, and
 * those that can equal it have a higher index. No other way to be certain measures less in these chunks, but for what a
 * round adds: a contender is advanced only while its bound is above the winner's score, and until then it could have won.
 */
export async function raceToCertainty(track: Track, signal?: AbortSignal): Promise<Outcome> {
  const { contenders, most, expectedMisses, known, score, measure } = track;
  const [mostLeft, missesLeft] = [sumsFrom(most), sumsFrom(expectedMisses)];
  const measured = Array.from({ length: contenders }, (_, index) => (known.has(index) ? most.length : 0));
  const totals = measured.map(() => 0);
  const bound = (index: number) => (totals[index] as number) + (mostLeft[measured[index] as number] as number);
  const scores = measured.map((_, index) => known.get(index) ?? score(bound(index)));
  for (;;) {
    const leader = scores.reduce((best, value, index) => (value > (scores[best] as number) ? index : best), 0);
    const at = measured[leader] as number;
    if (at === most.length) return { winner: leader, measured, scores };
    const least = bound(leader) - SIDE_BY_SIDE * (missesLeft[at] as number);
    const group = [...measured.keys()].filter(
      (index) => (measured[index] as number) < most.length && (index === leader || bound(index) >= least),
    );
    const count = Math.max(1, Math.floor(ROUND / group.length));
    await allOrNone(
      group,
      async (index, _, stop) => {
        const first = measured[index] as number;
        const end = Math.min(most.length, first + count);
        // One by one and in order: a sum of losses then has the same bits however many chunks were asked for at once.
        for (const part of await measure(index, first, end, stop)) totals[index] = (totals[index] as number) + part;
        measured[index] = end;
        scores[index] = score(bound(index));
      },
      signal,
    );
  }
}

/** Measures everything: the same winner, and a score for each. */
export async function raceToTheEnd(track: Track, signal?: AbortSignal): Promise<Outcome> {
  const { contenders, most, known, score, measure } = track;
  const scores = await allOrNone(
    [...Array(contenders).keys()],
    async (index, _, stop) =>
      known.get(index) ?? score((await measure(index, 0, most.length, stop)).reduce((sum, part) => sum + part, 0)),
    signal,
  );
  const winner = scores.reduce((best, value, index) => (value > (scores[best] as number) ? index : best), 0);
  return { winner, measured: scores.map(() => most.length), scores };
}

/** At each place the sum from there on, and 0 past the end. */
function sumsFrom(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of [...values].reverse()) sums.push((sums.at(-1) as number) + value);
  return sums.reverse();
}
