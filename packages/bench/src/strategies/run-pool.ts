import type { MixtureScorer } from '@radin/core';
import type { Outcome } from '../soups/outcome.js';
import { drawSplit, type RandomSplit } from '../soups/random-split.js';
import { RecordedScorer } from '../soups/recorded-scorer.js';
import type { SoupMemory } from '../soups/soup-memory.js';
import { meanOver, SplitReplay } from '../soups/split-replay.js';
import type { Strategy } from './strategy.js';

/** One search: a strategy at a budget, with a seed, on a split. */
export interface Run {
  readonly strategy: string;
  readonly budget: number;
  readonly split: number;
  readonly seed: number;
  readonly outcome: Outcome;
  readonly size: number;
  readonly valScore: number;
  readonly testScore: number;
  readonly testLoss: number;
  readonly evaluations: number;
  /** What these cost, in passes over the validation samples. */
  readonly passes: number;
  /** Evaluations that the strategy counts before its first soup of several models. */
  readonly before: number;
  /** Validation scores of the soups in the order of their evaluation. */
  readonly trace: readonly number[];
}

export interface RunPoolOptions {
  readonly strategies: readonly Strategy[];
  readonly budgets: readonly number[];
  readonly seeds: number;
  readonly splits: number;
  readonly onSplit?: (done: number) => void;
}

/** Every strategy at every budget, seed and split. What does not depend on the seed is run once per split and listed for each. */
export async function runPool(
  memory: SoupMemory,
  { strategies, budgets, seeds, splits, onSplit }: RunPoolOptions,
): Promise<{ runs: Run[]; splits: RandomSplit[] }> {
  const { union } = memory;
  const drawn = Array.from({ length: splits }, (_, seed) => drawSplit(union.labels, union.validationSamples, seed));
  const runs: Run[] = [];
  for (const [split, samples] of drawn.entries()) {
    const replay = new SplitReplay(memory, samples.validation);
    try {
      for (const strategy of strategies) {
        for (const budget of budgets) {
          for (let seed = 0; seed < (strategy.draws ? seeds : 1); seed++) {
            const found = await runOnce(memory, replay, samples, strategy, budget, seed);
            const repeats = strategy.draws ? [seed] : Array.from({ length: seeds }, (_, repeat) => repeat);
            for (const repeat of repeats) runs.push({ ...found, split, seed: repeat });
          }
        }
      }
    } finally {
      await replay.dispose();
    }
    onSplit?.(split + 1);
  }
  return { runs, splits: drawn };
}

async function runOnce(
  memory: SoupMemory,
  replay: MixtureScorer,
  { validation, test }: RandomSplit,
  strategy: Strategy,
  budget: number,
  seed: number,
): Promise<Omit<Run, 'split' | 'seed'>> {
  const scorer = new RecordedScorer(replay, budget);
  const { pool, backend } = memory;
  const { best, evaluations } = await strategy.search(scorer, { budget, seed, pool, backend });
  const [outcome] = (await memory.outcomes([best.mixture])) as [Outcome];
  return {
    strategy: strategy.name,
    budget,
    outcome,
    size: best.mixture.size,
    valScore: meanOver(validation, outcome.rightAsObserved),
    testScore: meanOver(test, outcome.right),
    testLoss: meanOver(test, outcome.losses),
    evaluations,
    passes: scorer.passes,
    before: evaluations - scorer.evaluations.length,
    trace: scorer.evaluations,
  };
}
