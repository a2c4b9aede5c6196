import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { type Outcome, raceStatistically, raceToCertainty, raceToTheEnd, type Track } from '../../src/stage2/index.js';

/** What every contender gets in every chunk, and what it could get. */
interface Course {
  readonly parts: readonly (readonly number[])[];
  readonly most: readonly number[];
  readonly expectedMisses: readonly number[];
  readonly known: readonly number[];
}

/** The track of a course, with a count of the chunks that were asked for and a check that none is asked for twice. */
function trackOf({ parts, most, expectedMisses, known }: Course) {
  const asked = new Set<string>();
  const score = (total: number) => total / 1000;
  const total = (index: number) => (parts[index] as number[]).reduce((sum, part) => sum + part, 0);
  const track: Track = {
    contenders: parts.length,
    most,
    expectedMisses,
    known: new Map(known.map((index) => [index, score(total(index))])),
    score,
    async measure(contender, first, end) {
      expect(first).toBeLessThan(end);
      for (let chunk = first; chunk < end; chunk++) {
        const key = `${contender} ${chunk}`;
        expect(asked.has(key)).toBe(false);
        asked.add(key);
      }
      return (parts[contender] as number[]).slice(first, end);
    },
  };
  const scores = parts.map((_, index) => score(total(index)));
  return { track, asked, scores, winner: scores.indexOf(Math.max(...scores)) };
}

/** What must hold of a race of any kind whose winner is certain. */
function expectSound({ winner, measured, scores }: Outcome, course: Course, full: readonly number[]): void {
  const chunks = course.most.length;
  expect(winner).toBe(full.indexOf(Math.max(...full)));
  expect(measured[winner]).toBe(chunks);
  for (const [index, score] of scores.entries()) {
    if (measured[index] === chunks) expect(score).toBe(full[index]);
    else {
      expect(score).toBeGreaterThanOrEqual(full[index] as number);
      // It could not have won any more: less than the winner, or as much and behind it among equals.
      const beaten = score < (scores[winner] as number) || (score === scores[winner] && index > winner);
      expect(beaten).toBe(true);
    }
  }
}

/** Right samples in chunks of a few samples, and few different values, so that ties abound. */
const counts: fc.Arbitrary<Course> = fc
  .record({
    contenders: fc.integer({ min: 1, max: 12 }),
    most: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 }),
    missing: fc.integer({ min: 0, max: 3 }),
    wrong: fc.infiniteStream(fc.nat(4)),
    expected: fc.infiniteStream(fc.double({ min: 0, max: 3, noNaN: true })),
    known: fc.subarray([0, 3, 5]),
  })
  .map(({ contenders, most, missing, wrong, expected, known }) => ({
    most,
    parts: Array.from({ length: contenders }, () =>
      most.map((size) => Math.max(0, size - Math.min(missing, wrong.next().value as number))),
    ),
    expectedMisses: most.map(() => expected.next().value as number),
    known: known.filter((index) => index < contenders),
  }));

/** Negated losses: floats of any size, some equal. */
const losses: fc.Arbitrary<Course> = fc
  .record({
    contenders: fc.integer({ min: 1, max: 10 }),
    chunks: fc.integer({ min: 1, max: 12 }),
    loss: fc.infiniteStream(
      fc.oneof(fc.constantFrom(0, 0.1, 0.2, 1e-17), fc.double({ min: 0, max: 1e6, noNaN: true })),
    ),
  })
  .map(({ contenders, chunks, loss }) => ({
    most: Array.from({ length: chunks }, () => 0),
    parts: Array.from({ length: contenders }, () =>
      Array.from({ length: chunks }, () => -(loss.next().value as number)),
    ),
    expectedMisses: Array.from({ length: chunks }, () => 0.1),
    known: [],
  }));

describe.each([
  ['counts with heavy ties', counts, 2000],
  ['losses', losses, 1000],
] as const)('of %s', (_, courses, numRuns) => {
  test(`the winner is that of full passes, and fully measured, in each of ${numRuns} races`, async () => {
    await fc.assert(
      fc.asyncProperty(courses, async (course) => {
        const { track, asked, scores } = trackOf(course);
        const outcome = await raceToCertainty(track);
        expectSound(outcome, course, scores);
        const measured = outcome.measured.reduce(
          (sum, chunks, index) => sum + (track.known.has(index) ? 0 : chunks),
          0,
        );
        expect(asked.size).toBe(measured);
      }),
      { numRuns },
    );
  });

  test('a race to the end gives every score', async () => {
    await fc.assert(
      fc.asyncProperty(courses, async (course) => {
        const { track, scores } = trackOf(course);
        const outcome = await raceToTheEnd(track);
        expectSound(outcome, course, scores);
        expect(outcome.scores).toEqual(scores);
      }),
    );
  });
});

test('one at a time, nobody is measured once it is beaten for certain', async () => {
  await fc.assert(
    fc.asyncProperty(counts, async (course) => {
      // A leader that expects no misses has nobody beside it, and with nine others of equal totals a round has one chunk.
      const parts = Array.from({ length: 9 }, () => course.parts[0] as number[]);
      const alone = { ...course, parts, expectedMisses: course.most.map(() => 0), known: [] };
      const { track } = trackOf(alone);
      const { measured, winner } = await raceToCertainty(track);
      expect(winner).toBe(0);
      const total = (parts[0] as number[]).reduce((sum, part) => sum + part, 0);
      for (const [index, chunks] of measured.slice(1).entries()) {
        const before = alone.most.map((most, chunk) =>
          chunk < chunks - 1 ? (parts[index + 1]?.[chunk] as number) : most,
        );
        if (chunks > 1) expect(before.reduce((sum, part) => sum + part, 0)).toBeGreaterThanOrEqual(total);
      }
    }),
  );
});

test('a race stops with the reason when it is aborted, and with the failure when a measurement fails', async () => {
  const course = { parts: [[1], [1]], most: [1], expectedMisses: [0], known: [] };
  const { track } = trackOf(course);
  const reason = new Error('enough');
  const failing = { ...track, measure: () => Promise.reject(reason) };
  await expect(raceToCertainty(failing)).rejects.toBe(reason);
  const controller = new AbortController();
  const waiting = {
    ...track,
    measure: (_: number, __: number, ___: number, signal: AbortSignal) =>
      new Promise<number[]>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const race = raceToCertainty(waiting, controller.signal);
  controller.abort(reason);
  await expect(race).rejects.toBe(reason);
});

describe('a statistical race', () => {
  const SIZES = Array.from({ length: 20 }, () => 16);
  const SAMPLES = 320;

  /** Contenders that are right on a sample with chances of their own, in a fresh random order of the samples. */
  async function race(random: Random, rows: readonly Uint8Array[], error: number): Promise<Outcome> {
    const order = random.permutation(SAMPLES);
    return raceStatistically(
      {
        contenders: rows.length,
        sizes: SIZES,
        score: (correct) => correct / SAMPLES,
        measure: async (contender, first, end) =>
          Uint8Array.from(order.subarray(16 * first, 16 * end), (sample) => rows[contender]?.[sample] as number),
      },
      error,
    );
  }

  /** Rows that get exactly the given numbers of samples right. */
  const rowsOf = (random: Random, correct: readonly number[]) =>
    correct.map((count) => {
      const order = random.permutation(SAMPLES);
      return Uint8Array.from({ length: SAMPLES }, (_, sample) => ((order[sample] as number) < count ? 1 : 0));
    });

  test.each([
    ['all but one equal', [200, ...Array.from({ length: 9 }, () => 199)]],
    ['all equal', Array.from({ length: 10 }, () => 200)],
    ['two close ones far ahead', [250, 249, 180, 170, 160]],
  ])('chooses another winner than full passes with the stated probability at most: %s', async (_, correct) => {
    const random = new Random(9);
    const trials = 300;
    for (const error of [0.3, 0.05]) {
      let wrong = 0;
      for (let trial = 0; trial < trials; trial++) {
        const rows = rowsOf(random, correct);
        wrong += (await race(random, rows, error)).winner === 0 ? 0 : 1;
      }
      expect(wrong / trials).toBeLessThanOrEqual(error + 3 * Math.sqrt((error * (1 - error)) / trials));
    }
  });

  test('stops clear losers early, and fully measures the winner', async () => {
    const random = new Random(10);
    const { winner, measured, scores } = await race(random, rowsOf(random, [300, 150, 150, 140]), 0.01);
    expect(winner).toBe(0);
    expect(measured[0]).toBe(20);
    expect(scores[0]).toBe(300 / 320);
    for (const loser of [1, 2, 3]) {
      expect(measured[loser]).toBeLessThan(10);
      expect(scores[loser]).toBeGreaterThan(150 / 320);
    }
  });
});
