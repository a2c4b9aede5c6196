import type { Environment } from '../result.js';

/** What a comparison of estimates found: the JSON file, from which every table is made. Scores are fractions in [0, 1]. */
export interface EstimatesResult {
  readonly experiment: 'estimates';
  readonly splits: number;
  readonly environment: Environment;
  readonly pools: readonly PoolEstimates[];
}

export interface PoolEstimates {
  readonly pool: string;
  readonly models: number;
  readonly classes: number;
  readonly samples: { readonly validation: number; readonly test: number };
  /** Soups that are estimated and evaluated, the same on every split. */
  readonly soups: number;
  /** Mean over the splits of the best of them on validation. */
  readonly best: number;
  readonly rows: readonly EstimateRow[];
  readonly starts: readonly StartRow[];
}

/** An adaptive search whose expected scores start from an estimate: its choice after each budget, means over the splits. */
export interface StartRow {
  readonly start: string;
  readonly scores: readonly { readonly validation: number; readonly test: number }[];
}

/** One estimate: means over the splits. */
export interface EstimateRow {
  readonly estimate: string;
  /** Spearman's ρ with the real scores. */
  readonly validation: number;
  readonly test: number;
  /** With those of the fifth of the soups that are best on validation. */
  readonly amongBest: number;
  /** Real validation score of the soup that it puts first, and the best of the ten that it puts first. */
  readonly first: number;
  readonly bestOfTen: number;
  /** Real test score of the first. */
  readonly testOfFirst: number;
}
