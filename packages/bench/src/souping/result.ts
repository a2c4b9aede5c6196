import type { Environment, Side } from '../result.js';

/** Seconds of one whole process, and of its phases as it measured them itself. */
export interface ProcessRun {
  readonly seconds: number;
  /** That its threads spent on processors: other work on the machine lengthens these least. */
  readonly cpuSeconds: number;
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
}

/** What a phase is called: ours loads while it passes and averages while it evaluates, so `singles` and `soups` hold both. */
export const PHASES = ['load', 'singles', 'stage1', 'average', 'soups', 'write'] as const;
export type Phase = (typeof PHASES)[number];

/** The soup that a contender found; scores are fractions in [0, 1]. */
export interface FoundSoup {
  readonly models: readonly string[];
  readonly weights: readonly number[];
  readonly valScore: number;
  readonly testScore: number;
}

export type SoupingMethod = 'greedy' | 'radin' | 'adaptive';

/** One contender on one number of threads. */
export interface SoupingRow {
  readonly name: string;
  readonly side: Exclude<Side, 'limit'>;
  readonly method: SoupingMethod;
  readonly threads: number;
  /** Counted runs, in their order. */
  readonly runs: readonly ProcessRun[];
  readonly found: FoundSoup;
  /** Soups evaluated. */
  readonly evaluations: number;
  /** What these cost in full passes, where a race stopped some. */
  readonly passes?: number;
}

/** One thing that both sides must agree on. */
export interface Check {
  readonly agrees: boolean;
  /** What was compared, and how far the two sides are apart. */
  readonly text: string;
}

export interface SoupingResult {
  readonly experiment: 'souping';
  readonly environment: Environment;
  readonly pool: { readonly name: string; readonly models: number; readonly samples: number; readonly classes: number };
  readonly budget: number;
  readonly candidates: number;
  readonly seed: number;
  /** Samples per forward pass of the peers. */
  readonly batch: number;
  /** Load average over the minute before and after the run: other work slows both sides. */
  readonly load: readonly [before: number, after: number];
  readonly rows: readonly SoupingRow[];
  readonly checks: readonly Check[];
  /** What was left out. */
  readonly notices: readonly string[];
}
