/**
 * The contract that every backend fulfils. It knows nothing of soups, files or ONNX: arrays in, arrays out.
 *
 * Shape letters: N models, B outputs of one pass, M samples, C classes, S mixtures. Arrays are row-major.
 */

/** Floating-point element types, named as in safetensors; bytes are little-endian. */
export type FloatDtype = 'F16' | 'BF16' | 'F32' | 'F64';

/** Bytes of one element. */
export const FLOAT_BYTES: Readonly<Record<FloatDtype, number>> = { F16: 2, BF16: 2, F32: 4, F64: 8 };

/** Where an array's bytes are: memory, of any alignment, or a range of an open file, which is read as it is needed. */
export type Source = Uint8Array | FileRange;

export interface FileRange {
  /** Descriptor of an open regular file, which stays open until the call has settled. */
  readonly fd: number;
  readonly offset: number;
  readonly byteLength: number;
}

export interface RunOptions {
  /** Threads to use, ≥ 1; default: all cores. The result does not depend on it. */
  readonly threads?: number;
  /** Aborting rejects the call with the signal's reason, within 50 ms, and leaves outputs unspecified. */
  readonly signal?: AbortSignal;
  /** Told now and then which fraction of the work is done, in [0, 1]. */
  readonly onProgress?: (fraction: number) => void;
}

/** One tensor of all models: sources of the same length, and of that length the caller's outputs, of any alignment. */
export interface AverageTensor {
  readonly dtype: FloatDtype;
  /** N, in pool order. */
  readonly ingredients: readonly Source[];
  /** B, written in place. */
  readonly outputs: readonly Uint8Array[];
}

export interface AverageRequest {
  /** Shape [B, N]: the weights a_k of each output, finite and ≥ 0, at least one > 0; 0 leaves the ingredient out. */
  readonly weights: Float64Array;
  /**
   * Shape [B], finite and > 0. A uniform subset S has a_k = 1 and divisor |S|, so that a sum of few float32 numbers is exact
   * and the mean of an exact half rounds as it should (with a_k = 1/6 rounded, 1 element in 6 could go either way); others 1.
   */
  readonly divisors: Float64Array;
  readonly tensors: readonly AverageTensor[];
  /** Whether a NaN in an ingredient that an output uses is an error; costs nothing. */
  readonly refuseNaN?: boolean;
  /**
   * Bytes of work space for the whole call, at least `leastAverageMemory(N)`; default 256 MiB. Where it is short, files are
   * read in smaller pieces, then by fewer threads. The result does not depend on it.
   */
  readonly memoryLimit?: number;
}

/** The least `memoryLimit` of an average of N models, in bytes. */
export function leastAverageMemory(models: number): number {
  return (256 + 8 * models) * 1024;
}

/** What is added up over the M samples. */
export type Measure =
  /** Samples whose label is among the `k` largest logits; ties go to the lowest class. k = 1 is accuracy. 1 ≤ k ≤ C. */
  | { readonly kind: 'top'; readonly k: number }
  /** −log softmax(z)[label], in nats. */
  | { readonly kind: 'cross-entropy' };

export interface ScoreRequest {
  /** N arrays of shape [M, C], all finite. */
  readonly logits: readonly Float32Array[];
  readonly samples: number;
  readonly classes: number;
  /** Shape [M], each in [0, C). */
  readonly labels: Int32Array;
  /** Shape [S, N]: the mixing weights p_k ≥ 0 of each mixture, at least one > 0. */
  readonly mixtures: Float64Array;
  readonly measure: Measure;
}

export interface Backend {
  readonly name: string;

  /**
   * outputs[b][i] = (Σ_k a_bk · ingredient_k[i]) / divisor_b for each tensor, over the k with a_bk > 0: float64 products added
   * in float64 in the order of the ingredients, starting from the first product, divided in float64 (a true division, not a
   * product with the reciprocal), then one rounding (to nearest, ties to even) to the tensor's dtype. A NaN that comes of it is
   * the positive quiet NaN without payload. An element whose bits are equal in all ingredients of an output is copied. Same
   * bits on every backend, thread count, memory limit and kind of source, alone or among other outputs.
   *
   * Cost: one read of every ingredient that some output uses, and one write of the outputs. Others are not touched.
   * @throws SourceError for a file that ended early, changed or could not be read; sources count through tensors × ingredients
   * @throws NaNError for the first NaN in the order of tensors, ingredients, elements, where `refuseNaN` asks for it
   */
  average(request: AverageRequest, options?: RunOptions): Promise<void>;

  /**
   * The measure's total over the M samples for each mixture's averaged logits (RADIN, Eq. 3), as S numbers.
   *
   * The logits of a mixture are z_c = Σ_k a_k ŷ_k[m, c] in float64, k ascending over a_k > 0, starting from the first product.
   * For `top`, a = p / max p, so that a uniform subset adds float32 logits with weights of exactly 1 and no division can
   * make or break a tie; the total is an integer. For `cross-entropy`, a = p / Σp, and a sample adds
   * log(Σ_c exp(z_c − max z)) + (max z − z_label), c ascending, with the exp and log of elementary.ts; samples are added in
   * blocks of 256, then the block sums in block order. Same bits on every backend and thread count.
   * @throws RangeError naming model, sample and class of the first logit that is not finite.
   */
  score(request: ScoreRequest, options?: RunOptions): Promise<Float64Array>;
}
