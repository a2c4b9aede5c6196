import { expect, it } from 'vitest';
import type { Outcome } from '../../src/soups/outcome.js';
import type { Run } from '../../src/strategies/run-pool.js';
import { bestKnown, reachOf, summarise } from '../../src/strategies/summary.js';

/** An outcome from a text such as `1011`: right or wrong for each sample. */
function outcome(text: string): Outcome {
  const right = Uint8Array.from(text, Number);
  return { right, rightAsObserved: right, losses: new Float32Array(right.length) };
}

function run(strategy: string, split: number, found: Partial<Run>): Run {
  const rest = { budget: 5, seed: 0, size: 2, testLoss: 0, evaluations: 3, passes: 3, before: 0, trace: [] };
  return { strategy, split, outcome: outcome('0000'), valScore: 0, testScore: 0, ...rest, ...found };
}

const splits = [
  { validation: Int32Array.of(0, 1), test: Int32Array.of(2, 3) },
  { validation: Int32Array.of(2, 3), test: Int32Array.of(0, 1) },
];

it('the error over samples is that of each sample’s mean difference in the splits that test it', () => {
  const runs = [
    run('a', 0, { outcome: outcome('1111'), testScore: 1 }),
    run('a', 1, { outcome: outcome('1111'), testScore: 1 }),
    run('b', 0, { outcome: outcome('1101'), testScore: 0.5 }),
    run('b', 1, { outcome: outcome('1111'), testScore: 1 }),
  ];
  const [first, second] = summarise(runs, splits, 'a');
  expect(first?.difference).toBeUndefined();
  const { mean, standardError, p, samplingError } = second?.difference?.test ?? expect.fail();
  // Splits differ by 0.5 and 0; samples by 0, 0, 1 and 0.
  expect([mean, standardError, p]).toEqual([0.25, 0.25, 1]);
  expect(samplingError).toBe(0.25);
});

it('the best known soup is the best of each split, and equal ones are worth their mean', () => {
  const known = ['1100', '1111', '0011'].map((text) => ({ outcome: outcome(text) }));
  const { targets, valScore, testScore, highestTestScore } = bestKnown(known, splits);
  expect([targets, valScore]).toEqual([[1, 1], 1]);
  // Of 1100 and 1111 one is right nowhere in the test and one everywhere, and so in the other split.
  expect([testScore, highestTestScore]).toEqual([0.5, 1]);
});

it('a run reaches the best known with the first soup within 0.1 points, counting what came before its soups', () => {
  const runs = [
    run('slow', 0, { trace: [0.9, 0.99891, 0.9991], before: 1 }),
    run('slow', 1, { trace: [0.9, 0.99], before: 1 }),
    run('slow', 1, { trace: [0.999] }),
  ];
  const [reach] = reachOf(runs, [1, 1]);
  expect(reach).toEqual({ strategy: 'slow', reached: 2 / 3, median: 4, mean: (4 + 6 + 1) / 3 });
});

it('where most runs do not come there, there is no median', () => {
  const runs = [run('a', 0, { trace: [1] }), run('a', 1, { trace: [0.5] }), run('a', 1, { trace: [0.5] })];
  expect(reachOf(runs, [1, 1])[0]).toMatchObject({ median: null, reached: 1 / 3 });
});
