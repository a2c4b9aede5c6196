import type { Inputs } from '../data/index.js';
import type { Logits } from '../logits/index.js';
import type { Checkpoint } from '../pool/index.js';

export interface EvaluateOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of samples done so far. */
  readonly onProgress?: (samples: number) => void;
}

/** Runs the shared architecture with a checkpoint's weights: a checkpoint in, logits out. Several calls may be under way at once. */
export interface Evaluator {
  /**
   * Logits of every sample, in the samples' order. The same bits for the same weights and inputs, whatever else is evaluated.
   * @throws RadinError naming model and sample where a logit is NaN or infinite; the signal's reason when aborted.
   */
  logits(model: Checkpoint, inputs: Inputs, options?: EvaluateOptions): Promise<Logits>;
  dispose(): Promise<void>;
}
