import type { SamplePlaces } from '../data/index.js';
import type { RadinErrorCode } from '../errors/index.js';
import type { Dtype } from '../formats/index.js';
import type { GraphPlan } from './graph-plan.js';

/** Words of a job's control block, shared by all threads that work on it. */
export const NEXT_BATCH = 0;
export const STOP = 1;
export const CONTROL_WORDS = 2;

/** What the process that evaluates is started with. */
export interface ProcessSetup
  extends Pick<GraphPlan, 'graph' | 'inputs' | 'output' | 'weights' | 'weightBytes' | 'task'> {
  readonly threads: number;
  /** The file in which threads note what they are in: see `ThreadRecord`. */
  readonly record: string;
}

/** What one of its threads is started with. */
export type WorkerSetup = ProcessSetup & { readonly thread: number };

/** What one of the graph's inputs gets. */
export interface InputArray {
  /** The graph's name for it; undefined where it has only one. */
  readonly name: string | undefined;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly places: SamplePlaces;
}

/** Input samples that jobs name by their id. */
export interface InputsMessage {
  readonly id: number;
  readonly arrays: readonly InputArray[];
  /** T, where each sample has logits for so many tokens. */
  readonly positions: number | undefined;
}

/** One model over one data set, or over some samples of it. */
export interface JobRequest {
  readonly id: number;
  /** The file that holds the weights, laid out as the graph's plan says. */
  readonly weights: string;
  /** The same for jobs with the same weights: a thread that has them reads nothing. */
  readonly weightsId: number;
  /** The id of the inputs. */
  readonly inputs: number;
  /** The samples in the order in which they are run; absent where that is all in their own order. */
  readonly order: Uint32Array | undefined;
  /** How many are run. */
  readonly samples: number;
  readonly batch: number;
  /** Whether every run must have exactly `batch` samples: a last, partial batch is then filled up and cut. */
  readonly fixed: boolean;
  /** The batches that are run, ascending; absent where that is all. */
  readonly batches: Uint32Array | undefined;
}

/** As threads get it: they claim the batches one by one, in order, from the control block. */
export type JobMessage = JobRequest & { readonly control: SharedArrayBuffer };

export type ProcessRequest =
  | { readonly kind: 'setup'; readonly setup: ProcessSetup }
  | { readonly kind: 'inputs'; readonly inputs: InputsMessage }
  | { readonly kind: 'job'; readonly job: JobRequest }
  /** Threads leave the job after their current batch. */
  | { readonly kind: 'stop'; readonly job: number };

export type WorkerRequest =
  | Extract<ProcessRequest, { kind: 'inputs' }>
  | { readonly kind: 'job'; readonly job: JobMessage };

/** What a job's threads say of it. */
export type JobReply =
  | {
      readonly kind: 'batch';
      readonly job: number;
      /** Place of the batch's first sample in the job's order. */
      readonly first: number;
      /** Numbers for each sample. */
      readonly classes: number;
      readonly values: Float32Array;
      readonly milliseconds: number;
    }
  /** `place` is that of the sample in the job's order, undefined where no sample is at fault. */
  | {
      readonly kind: 'failed';
      readonly job: number;
      readonly place: number | undefined;
      readonly code: RadinErrorCode;
      readonly message: string;
    }
  /** No batch is left to claim, or the job was stopped: of a thread, that it has left the job; of the process, that all have. */
  | { readonly kind: 'left'; readonly job: number };

export type WorkerReply =
  | { readonly kind: 'ready' }
  /** The worker can't be used: the graph could not be loaded. */
  | { readonly kind: 'broken'; readonly message: string; readonly isMachineFault: boolean }
  | JobReply;

/** What the process says: `ready` once, when all its threads are. */
export type ProcessReply = WorkerReply;
