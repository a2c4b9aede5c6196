import type { Outcome } from '../soups/outcome.js';
import type { RandomSplit } from '../soups/random-split.js';
import { meanOver } from '../soups/split-replay.js';
import { mean, signFlipTest, standardError } from '../statistics.js';
import type { Cell, Difference, Reach } from './result.js';
import type { Run } from './run-pool.js';

/** 0.1 percentage points, and what rounding may take from it. */
const CLOSE = 0.001 + 1e-9;

/** All strategies at all budgets, in the order of the runs. */
export function summarise(runs: readonly Run[], splits: readonly RandomSplit[], against: string): Cell[] {
  const groups = grouped(runs, ({ strategy, budget }) => `${strategy} ${budget}`);
  return [...groups.values()].map((group): Cell => {
    const { strategy, budget } = group[0] as Run;
    const over = (value: (run: Run) => number) => mean(group.map(value));
    const reference = groups.get(`${against} ${budget}`);
    return {
      strategy,
      budget,
      valScore: over(({ valScore }) => valScore),
      testScore: over(({ testScore }) => testScore),
      testLoss: over(({ testLoss }) => testLoss),
      evaluations: over(({ evaluations }) => evaluations),
      passes: over(({ passes }) => passes),
      size: over(({ size }) => size),
      ...(reference !== undefined &&
        strategy !== against && {
          difference: {
            validation: differenceOf(reference, group, ({ valScore }) => valScore),
            test: {
              ...differenceOf(reference, group, ({ testScore }) => testScore),
              samplingError: samplingError(reference, group, splits),
            },
          },
        }),
    };
  });
}

/** Both groups have one run for each split and seed, in the same order. */
function differenceOf(reference: readonly Run[], group: readonly Run[], score: (run: Run) => number): Difference {
  const pairs = group.map((run, index) => ({ split: run.split, value: score(reference[index] as Run) - score(run) }));
  const bySplit = [...grouped(pairs, ({ split }) => split).values()].map((some) =>
    mean(some.map(({ value }) => value)),
  );
  return { mean: mean(bySplit), standardError: standardError(bySplit), p: signFlipTest(bySplit) };
}

/**
 * How far the mean test difference would move on other samples of the same kind: the standard error over samples of each
 * one's mean difference, over the splits and seeds that have it in the test.
 */
function samplingError(reference: readonly Run[], group: readonly Run[], splits: readonly RandomSplit[]): number {
  const samples = (group[0] as Run).outcome.right.length;
  const [sums, counts] = [new Float64Array(samples), new Float64Array(samples)];
  for (const [index, { split, outcome }] of group.entries()) {
    const { test } = splits[split] as RandomSplit;
    const other = (reference[index] as Run).outcome;
    for (const sample of test) counts[sample] = (counts[sample] as number) + 1;
    if (other === outcome) continue;
    for (const sample of test) {
      sums[sample] = (sums[sample] as number) + (other.right[sample] as number) - (outcome.right[sample] as number);
    }
  }
  return standardError(sums.map((sum, sample) => sum / (counts[sample] as number)).filter((_, m) => counts[m] !== 0));
}

/** The best validation score of any known soup in each split, and what it is worth in the test. */
export function bestKnown(
  known: readonly { readonly outcome: Outcome }[],
  splits: readonly RandomSplit[],
): { targets: number[]; valScore: number; testScore: number; highestTestScore: number } {
  const found = splits.map(({ validation, test }) => {
    const scores = known.map(({ outcome }) => meanOver(validation, outcome.rightAsObserved));
    const tests = known.map(({ outcome }) => meanOver(test, outcome.right));
    const highest = scores.reduce((most, score) => Math.max(most, score), 0);
    // Among equals there is none to prefer: their mean is what one of them is worth.
    const winners = tests.filter((_, index) => scores[index] === highest);
    return { valScore: highest, testScore: mean(winners), highestTestScore: tests.reduce((a, b) => Math.max(a, b), 0) };
  });
  return {
    targets: found.map(({ valScore }) => valScore),
    valScore: mean(found.map(({ valScore }) => valScore)),
    testScore: mean(found.map(({ testScore }) => testScore)),
    highestTestScore: mean(found.map(({ highestTestScore }) => highestTestScore)),
  };
}

/** @param targets best known validation score of each split */
export function reachOf(runs: readonly Run[], targets: readonly number[]): Reach[] {
  const largest = Math.max(...runs.map(({ budget }) => budget));
  const atLargest = runs.filter(({ budget }) => budget === largest);
  return [...grouped(atLargest, ({ strategy }) => strategy)].map(([strategy, group]): Reach => {
    const needed = group
      .map(({ split, before, trace }) => {
        const index = trace.findIndex((score) => score >= (targets[split] as number) - CLOSE);
        return index < 0 ? Number.POSITIVE_INFINITY : before + index + 1;
      })
      .sort((a, b) => a - b);
    const median = needed[Math.floor(needed.length / 2)] as number;
    return {
      strategy,
      reached: needed.filter((count) => count <= largest).length / needed.length,
      median: median <= largest ? median : null,
      mean: mean(needed.map((count) => Math.min(count, largest + 1))),
    };
  });
}

function grouped<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
