import type { Environment } from '../result.js';

/** What a comparison of strategies found: the JSON file, from which every table is made. Scores are fractions in [0, 1]. */
export interface StrategiesResult {
  readonly experiment: 'strategies';
  readonly seeds: number;
  readonly splits: number;
  readonly budgets: readonly number[];
  /** The strategy that the others are compared with. */
  readonly against: string;
  readonly environment: Environment;
  readonly pools: readonly PoolResult[];
}

export interface PoolResult {
  readonly pool: string;
  readonly models: number;
  readonly classes: number;
  readonly samples: { readonly validation: number; readonly test: number };
  /** Whether validation samples count by labels of their own, which are noisy. */
  readonly noisyLabels: boolean;
  /** The soup with the best validation score of each split, among all that anyone has evaluated. */
  readonly bestKnown: {
    readonly soups: number;
    /** Whether these are all uniform subsets. */
    readonly exhaustive: boolean;
    readonly valScore: number;
    readonly testScore: number;
    /** Mean over splits of the highest test score of any known soup. */
    readonly highestTestScore: number;
  };
  readonly cells: readonly Cell[];
  readonly reach: readonly Reach[];
}

/** One strategy at one budget: means over all splits and seeds. */
export interface Cell {
  readonly strategy: string;
  readonly budget: number;
  /** Of the chosen soup, by the labels that the search sees. */
  readonly valScore: number;
  readonly testScore: number;
  /** Cross-entropy in nats per test sample. */
  readonly testLoss: number;
  readonly evaluations: number;
  /** What these cost, in passes over the validation samples; results made before this was counted lack it. */
  readonly passes?: number;
  /** Models in the chosen soup. */
  readonly size: number;
  /** The compared-with strategy minus this one; absent for that one itself. */
  readonly difference?: {
    readonly validation: Difference;
    readonly test: Difference & { readonly samplingError: number };
  };
}

/** A mean of paired differences over splits. */
export interface Difference {
  readonly mean: number;
  /**
   * Over the splits, each first averaged over the seeds. The splits share samples, so this is how far the mean would move if
   * the same samples were split anew, and not how far on other samples.
   */
  readonly standardError: number;
  /** Two-sided, of the sign-flip test over the splits, with the same restriction. */
  readonly p: number;
}

/** How many evaluations it takes a strategy at the largest budget to come within 0.1 points of the best known validation score. */
export interface Reach {
  readonly strategy: string;
  /** Share of the runs that come there at all. */
  readonly reached: number;
  /** Median over all runs; null where that run does not come there. */
  readonly median: number | null;
  /** Mean over all runs, those that do not come there counted as one more than the largest budget: a lower bound. */
  readonly mean: number;
}
