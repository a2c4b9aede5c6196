import type { Dtype } from '../formats/index.js';
import type { GraphPlan } from './graph-plan.js';

/** Words of a job's control block, shared by all threads that work on it. */
export const NEXT_BATCH = 0;
export const STOP = 1;
export const CONTROL_WORDS = 2;

/** What a worker is started with. */
export type WorkerSetup = Pick<GraphPlan, 'graph' | 'input' | 'output' | 'weights' | 'weightBytes'>;

/** One model over one data set. Threads claim its batches one by one, in order, from the control block. */
export interface JobMessage {
  readonly id: number;
  readonly weights: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly inputs: { readonly bytes: SharedArrayBuffer; readonly dtype: Dtype; readonly shape: readonly number[] };
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
      readonly first: number;
      readonly classes: number;
      readonly values: Float32Array;
    }
  | { readonly kind: 'failed'; readonly job: number; readonly sample: number; readonly message: string }
  /** The worker has left the job: no batch is left to claim, or the job was stopped. */
  | { readonly kind: 'left'; readonly job: number };
