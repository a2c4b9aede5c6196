import type { Inputs } from '../data/index.js';
import type { Logits } from '../logits/index.js';
import type { Checkpoint } from '../pool/index.js';

export interface EvaluateOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of samples done so far. */
  readonly onProgress?: (samples: number) => void;
  /** Called where the logits were remembered and no forward pass was made. */
  readonly onRemembered?: () => void;
}

/** Runs the shared architecture with a checkpoint's weights: a checkpoint in, logits out. Several calls may be under way at once. */
export interface Evaluator {
  /**
   * Logits of every sample, in the samples' order. The same bits for the same weights and inputs, whatever else is evaluated.
   * @throws RadinError naming model and sample where a logit is NaN or infinite; the signal's reason when aborted.
   */
  logits(model: Checkpoint, inputs: Inputs, options?: EvaluateOptions): Promise<Logits>;
  /**
   * For evaluators that may give a score in the place of logits: what they give, the score in the metric's unit. Left out where that
   * is always logits. @throws as `logits`
   */
  logitsOrScore?(model: Checkpoint, inputs: Inputs, options?: EvaluateOptions): Promise<Logits | number>;
  /** Whether some samples cost as much as all of them. */
  readonly wholeOnly?: boolean;
  /** Reads the model's weights once, for logits of parts of the inputs. The caller bounds how many are open at once. @throws RadinError */
  open(model: Checkpoint, inputs: Inputs, options?: { readonly signal?: AbortSignal }): Promise<LoadedModel>;
  /** Samples per run for these inputs: parts of a multiple of it waste nothing. */
  batchOf(inputs: Inputs): number;
  /** Bytes that the weights of one open model take. */
  readonly weightBytes: number;
  /** How many models may be open at once besides those in `logits`; left out: as many as the caller has memory for. */
  readonly mostOpen?: number;
  dispose(): Promise<void>;
}

/** A model whose weights are in memory until it is closed. */
export interface LoadedModel {
  /**
   * Logits of these samples, in their order; of all samples in theirs where none are named. They run in batches in that
   * order: the same batches give the same bits, and which samples share a batch can change last bits.
   * @throws RadinError naming model and sample where a logit is NaN or infinite; the signal's reason when aborted.
   */
  logits(samples?: Uint32Array, options?: EvaluateOptions): Promise<Logits>;
  /** Gives the weights' memory back once no thread uses it. */
  close(): Promise<void>;
}
