import type { Candidate } from '../stage1/index.js';

/** What is known of the candidates of a race when it is over. */
export interface Raced {
  /** In the order of their rank: with a `score`, or, where stopped, with `scoreAtMost` and `samples`, or with `failed`. The best has a score, unless all failed. */
  readonly candidates: readonly Candidate[];
  /** Samples evaluated, in passes over the split. */
  readonly passes: number;
  /** Whether the race was asked to stop before it had a winner: soups that were not begun are as they came in. */
  readonly interrupted?: true;
}
