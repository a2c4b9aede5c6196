import { describe, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { FiniteSumBet, winnersCurse } from '../../src/statistics/index.js';

/** True with that probability. */
function coin(random: Random, probability: number): boolean {
  return random.uint32() < probability * 2 ** 32;
}

describe("the winner's curse", () => {
  /** B predictors that are right with their probability on samples where they differ, and 0.9 of the samples are common. */
  function draw(random: Random, chances: readonly number[], samples: number): Uint8Array[] {
    const rows = chances.map(() => new Uint8Array(samples));
    for (let sample = 0; sample < samples; sample++) {
      const common = sample % 10 === 0 ? undefined : coin(random, 0.97);
      for (const [row, bits] of rows.entries()) bits[sample] = Number(common ?? coin(random, chances[row] as number));
    }
    return rows;
  }

  const score = (bits: Uint8Array) => bits.reduce((sum, bit) => sum + bit, 0) / bits.length;

  test.each([
    [2, 400, 1500],
    [10, 400, 150],
    [25, 1000, 100],
  ])(
    'of %d equally good candidates on %d samples is what new samples show, within a tenth',
    (count, samples, trials) => {
      const random = new Random(1);
      const chances = Array.from({ length: count }, () => 0.6);
      let [estimate, truth] = [0, 0];
      for (let trial = 0; trial < trials; trial++) {
        const rows = draw(random, chances, samples);
        estimate += winnersCurse(rows, random) / trials;
        // Each is expected to score as the mean of them all does, so the best one's excess over it is the curse.
        const scores = rows.map(score);
        truth += (Math.max(...scores) - scores.reduce((sum, one) => sum + one, 0) / count) / trials;
      }
      expect(estimate / truth).toBeGreaterThan(0.9);
      expect(estimate / truth).toBeLessThan(1.1);
    },
  );

  test('is small where one candidate is far ahead, and 0 where all are equal on every sample', () => {
    const random = new Random(2);
    const rows = draw(random, [0.95, 0.2, 0.2, 0.2], 2000);
    expect(winnersCurse(rows, random)).toBeLessThan(0.002);
    expect(winnersCurse([rows[0], rows[0]] as Uint8Array[], random)).toBe(0);
    expect(winnersCurse([], random)).toBe(0);
  });

  test('is the same for the same seed', () => {
    const rows = draw(new Random(3), [0.5, 0.6, 0.55], 500);
    expect(winnersCurse(rows, new Random(4))).toBe(winnersCurse(rows, new Random(4)));
  });
});

describe('a bet on a sum without replacement', () => {
  /** Numbers with the given counts of +1 and −1, in random order. */
  function population(random: Random, count: number, plus: number, minus: number): Int8Array {
    const values = new Int8Array(count);
    values.fill(1, 0, plus).fill(-1, plus, plus + minus);
    for (let at = count - 1; at > 0; at--) {
      const other = random.below(at + 1);
      [values[at], values[other]] = [values[other] as number, values[at] as number];
    }
    return values;
  }

  test.each([
    [200, 40, 40],
    [500, 10, 10],
    [50, 25, 25],
    [300, 100, 110],
  ])('of %d numbers, %d of them +1 and %d −1, ever reaches 1/α with probability α at most', (count, plus, minus) => {
    const random = new Random(5);
    const trials = 2000;
    for (const alpha of [0.2, 0.05]) {
      let reached = 0;
      for (let trial = 0; trial < trials; trial++) {
        const bet = new FiniteSumBet(count);
        reached += population(random, count, plus, minus).some((x) => {
          bet.add(x);
          return bet.evidence >= 1 / alpha;
        })
          ? 1
          : 0;
      }
      // Three standard errors of the simulation.
      expect(reached / trials).toBeLessThan(alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / trials));
    }
  });

  test('sees a clear surplus early', () => {
    const bet = new FiniteSumBet(2000);
    for (const x of population(new Random(6), 2000, 200, 50)) if (bet.evidence < 100) bet.add(x);
    expect(bet.left).toBeGreaterThan(500);
  });
});
