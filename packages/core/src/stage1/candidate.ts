import type { Mixture } from '../mixture/index.js';

/** A mixture in the order in which stage 1 would have it evaluated. */
export interface Candidate {
  readonly mixture: Mixture;
  /** Score of the averaged logits (RADIN, Eq. 3), without the prior, in the metric's unit. */
  readonly approxScore: number;
  /** The estimate that stage 1 ordered by, without the prior, where that is another than `approxScore`; higher is better. */
  readonly estimate?: number;
  /** Place in the order of stage 1, prior included; 1 is the most promising. An adaptive search has what it evaluated first, in that order. */
  readonly rank: number;
  /** Score of the soup itself, where it was evaluated. */
  readonly score?: number;
  /** The most that the score can be, where the evaluation was stopped because another candidate scores more. */
  readonly scoreAtMost?: number;
  /** Why there is no score, where the evaluation was lost: see `LostEvaluation`. */
  readonly failed?: string;
  /** Samples that a stopped evaluation saw. */
  readonly samples?: number;
}
