import type { Backend, MixtureScorer, Pool, SearchResult } from '@radin/core';

export interface StrategyOptions {
  /** B. */
  readonly budget: number;
  readonly seed: number;
  /** For strategies that look at weights. The same object in every search of a pool. */
  readonly pool: Pool;
  readonly backend: Backend;
  readonly signal?: AbortSignal;
}

/** A way to find a soup on one split with B evaluations. */
export interface Strategy {
  readonly name: string;
  /** Whether it depends on the seed; one that does not is run once per split. */
  readonly draws: boolean;
  search(scorer: MixtureScorer, options: StrategyOptions): Promise<Choice>;
}

/** As much of a result as is compared. */
export type Choice = Pick<SearchResult, 'best' | 'evaluations'>;
