import type { Dtype } from '../formats/index.js';
import type { GraphPlan } from './graph-plan.js';

/** Words of a job's control block, shared by all threads that work on it. */
export const NEXT_BATCH = 0;
export const STOP = 1;
export const CONTROL_WORDS = 2;

/** What a worker is started with. */
export type WorkerSetup = Pick<GraphPlan, 'graph' | 'input' | 'output' | 'weights' | 'weightBytes' | 'task'>;

/** One model over one data set, or over some samples of it. Threads claim its batches one by one, in order, from the control block. */
export interface JobMessage {
  readonly id: number;
  readonly weights: SharedArrayBuffer;
  /** The same for jobs with the same weights: a thread that has them copies nothing. */
  readonly weightsId: number;
  readonly control: SharedArrayBuffer;
  readonly inputs: {
    readonly bytes: SharedArrayBuffer;
    readonly dtype: Dtype;
    readonly shape: readonly number[];
    /** T, where each sample has logits for so many tokens. */
    readonly positions: number | undefined;
  };
  /** The samples in the order in which they are run; absent where that is all in their own order. */
  readonly order: Uint32Array | undefined;
  /** How many are run. */
  readonly samples: number;
  readonly batch: number;
  /** Whether every run must have exactly `batch` samples: a last, partial batch is then filled up and cut. */
  readonly fixed: boolean;
}

/** Asks a worker to end after what it was sent before. */
export const CLOSE = 'close';

export type WorkerReply =
  | { readonly kind: 'ready' }
  /** The worker can't be used: the graph could not be loaded. */
  | { readonly kind: 'broken'; readonly message: string }
  | {
      readonly kind: 'batch';
      readonly job: number;
      /** Place of the batch's first sample in the job's order. */
      readonly first: number;
      /** Numbers for each sample. */
      readonly classes: number;
      readonly values: Float32Array;
    }
  /** `place` is that of the sample in the job's order. */
  | { readonly kind: 'failed'; readonly job: number; readonly place: number; readonly message: string }
  /** The worker has left the job: no batch is left to claim, or the job was stopped. */
  | { readonly kind: 'left'; readonly job: number };
