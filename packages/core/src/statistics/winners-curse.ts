import type { Random } from '../random.js';

/** Enough splits that their own noise is far below that of the scores. */
const SPLITS = 1000;
/** And so many at least where candidates are thousands. */
const LEAST_SPLITS = 50;
/** Bits looked at before splits become fewer: some tenths of a second. */
const MOST_WORK = 2 ** 28;

/**
 * The winner's curse: by how much the score of the best of B candidates exceeds, in expectation, what the same candidate
 * scores on new samples, because it was chosen by the samples that it is scored on.
 *
 * Samples are split in halves at random, the best on one half is scored on the other, and the mean difference is divided
 * by √2. A half and the other half are as independent as the split and new data, so the difference is an unbiased estimate
 * of the curse of a choice by M/2 samples; noise shrinks as 1/√M. That factor is exact where candidates differ by noise
 * only and too cautious where one is truly ahead. A bootstrap is no substitute: in-bag and out-of-bag scores of one data
 * set move against each other, and their difference counts the noise twice.
 *
 * Cost: B · (samples on which candidates differ) for each of up to 1,000 splits, fewer where that would take seconds.
 * @param correct B rows of M, 1 where the candidate gets the sample right, in the order of preference among equals
 * @returns a fraction ≥ 0
 */
export function winnersCurse(correct: readonly Uint8Array[], random: Random): number {
  const samples = correct[0]?.length ?? 0;
  const rows = differingSamples(correct);
  const width = rows[0]?.length ?? 0;
  if (width === 0) return 0;
  const splits = Math.min(SPLITS, Math.max(LEAST_SPLITS, Math.floor(MOST_WORK / (rows.length * width))));
  const side = new Int8Array(width);
  const [ours, theirs] = [new Int32Array(rows.length), new Int32Array(rows.length)];
  let excess = 0;
  for (let split = 0; split < splits; split++) {
    for (let at = 0, word = 0; at < width; at++) {
      if (at % 32 === 0) word = random.uint32();
      side[at] = (word >>> (at % 32)) & 1;
    }
    let best = 0;
    let mean = 0;
    for (const [row, bits] of rows.entries()) {
      let [chosenBy, scoredOn] = [0, 0];
      for (let at = 0; at < width; at++) {
        const half = side[at] as number;
        chosenBy += (bits[at] as number) & half;
        scoredOn += (bits[at] as number) & (half ^ 1);
      }
      ours[row] = chosenBy;
      theirs[row] = scoredOn;
      mean += (chosenBy - scoredOn) / rows.length;
      if (chosenBy > (ours[best] as number)) best = row;
    }
    // What one half has more of for all candidates is no merit of the chosen one, and 0 on average.
    excess += (ours[best] as number) - (theirs[best] as number) - mean;
  }
  return Math.max(0, ((excess / splits) * 2) / samples / Math.SQRT2);
}

/** The samples on which not all candidates agree: the others add the same to every score. */
function differingSamples(correct: readonly Uint8Array[]): Uint8Array[] {
  const [first, ...others] = correct;
  if (first === undefined) return [];
  const differing: number[] = [];
  for (let sample = 0; sample < first.length; sample++) {
    if (others.some((row) => row[sample] !== first[sample])) differing.push(sample);
  }
  return correct.map((row) => Uint8Array.from(differing, (sample) => row[sample] as number));
}
