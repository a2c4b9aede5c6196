import type { Candidate } from '../stage1/index.js';
import type { CurvePoint } from './curve.js';

export type Method =
  | 'best-individual'
  | 'uniform'
  | 'logit-ensemble'
  | 'greedy'
  | 'radin'
  | 'radin-prior'
  | 'adaptive'
  | 'oracle';

/** What a recipe chose, and what it cost. */
export interface SearchResult {
  readonly method: Method;
  /** The choice; its `score` is the one it was chosen by. */
  readonly best: Candidate & { readonly score: number };
  /** What was considered, in the order of its rank, the first `scored` or 1,000; with a `score` where it was evaluated for real, or `scoreAtMost` where a race stopped it, or `failed` where its evaluation was lost. */
  readonly candidates: readonly Candidate[];
  /** How many candidates stage 1 scored. */
  readonly scored: number;
  /** Full evaluations as the paper counts them: soups over the split. The N passes that rank the models are not among them. */
  readonly evaluations: number;
  /** What they cost, in full passes over the split; left out where each was one, or known from the passes that rank the models. */
  readonly passes?: number;
  /**
   * The choice after each number of evaluations up to this one, a point only where it changes; 0 evaluations are the best
   * individual, where the method considers it. Left out where it is not known.
   */
  readonly curve?: readonly CurvePoint[];
  /** Whether the search was asked to stop before it had spent its budget: the choice is the best that was known. */
  readonly interrupted?: boolean;
  /** What the user should know about the run. */
  readonly notices: readonly string[];
  /** Greedy's steps. */
  readonly trace?: readonly GreedyStep[];
}

/** One step of greedy: the model that was tried, the score of the soup with it or why it has none, and whether it was kept. */
export interface GreedyStep {
  /** Index in the pool. */
  readonly model: number;
  readonly score?: number;
  readonly failed?: string;
  readonly kept: boolean;
}
