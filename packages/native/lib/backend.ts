/**
 * The contract that every backend fulfils. It knows nothing of soups, files or ONNX: arrays in, arrays out.
 *
 * Shape letters: N models, K ingredients of one average, M samples, C classes, S mixtures. Arrays are row-major.
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

/** One tensor to average: K byte arrays of the same length and dtype, of any alignment, and the caller's output of that length. */
export interface AverageTensor {
  readonly dtype: FloatDtype;
  readonly ingredients: readonly Uint8Array[];
  readonly output: Uint8Array;
}

export interface AverageRequest {
  /** The K weights a_k, each finite and > 0, in pool order; ingredients of weight 0 are left out by the caller. */
  readonly weights: Float64Array;
  /**
   * Finite and > 0. A uniform subset has a_k = 1 and divisor K, so that a sum of few float32 numbers is exact and the mean
   * of an exact half rounds as it should (with a_k = 1/6 rounded, 1 element in 6 could go either way); others 1.
   */
  readonly divisor: number;
  readonly tensors: readonly AverageTensor[];
}

/** Cached logits of one model, [M, C]. */
export interface LogitsArray {
  /** F64 is rounded to float32, the others are widened, before anything else. */
  readonly dtype: FloatDtype;
  readonly source: Source;
}

/** Cached logits of N models on the same M samples of C classes. */
export interface LogitsRequest {
  /** N ≥ 1 arrays, every logit finite as float32. */
  readonly logits: readonly LogitsArray[];
  readonly samples: number;
  readonly classes: number;
  /** Shape [M], each in [0, C). */
  readonly labels: Int32Array;
}

export interface CrossEntropyRequest extends LogitsRequest {
  /** Shape [S, N]: the mixing weights of each mixture, ≥ 0 and with a sum above 0, by which they are divided. */
  readonly mixtures: Float64Array;
  /** Whether to return gradients as well. */
  readonly gradient?: boolean;
}

export interface CrossEntropy {
  /** Shape [S]: −log softmax(Σ_k p_k ŷ_k)[label] in nats, summed over the M samples. */
  readonly totals: Float64Array;
  /**
   * Shape [S, N]: the derivatives of the total by p_k at the normalised p, Σ_m (Σ_c softmax_c ŷ_k[m, c] − ŷ_k[m, label]),
   * for models of weight 0 too and not projected to Σp = 1. Their sum weighted by p is the derivative by the scale of p.
   */
  readonly gradients?: Float64Array;
}

export interface CrossEntropyBankRequest extends LogitsRequest {
  /**
   * τ in (0, 1], default 1e-3: a sample's class is kept unless in every model it is τ times less likely than a class that
   * all models rank at least that high. Smaller keeps more and makes narrower bounds. Nothing but cost and width depends on it.
   */
  readonly ratio?: number;
}

/** Certified bounds, each [S], on the totals of the mixtures: lower ≤ exact cross-entropy ≤ upper, rounding included. */
export interface CrossEntropyBounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * What is kept of cached logits for bounds on the cross-entropy of any mixture; it no longer needs the logits themselves.
 * To find the best of many mixtures: bound all, then compute in full those whose lower bound is below the smallest upper
 * bound.
 */
export interface CrossEntropyBank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  /** Classes kept, over all samples. */
  readonly rows: number;
  /** Bytes of memory that the bank takes. */
  readonly bytes: number;
  /** Samples in which a logit lies more than 64 from the label's, of which only bounds linear in p are kept. */
  readonly farSamples: number;
  /**
   * @param mixtures shape [S, N]; as in CrossEntropyRequest
   * @throws Error once the bank has been closed. Calls that run already finish.
   */
  bounds(mixtures: Float64Array, options?: RunOptions): Promise<CrossEntropyBounds>;
  /** Frees the memory as soon as no call uses it. Closing twice does nothing. A bank that is not closed is garbage collected. */
  close(): void;
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
   * output[i] = (Σ_k a_k · ingredient_k[i]) / divisor for each tensor: float64 products added in float64 in the order of the
   * ingredients, starting from the first product, divided in float64 (a true division, not a product with the reciprocal),
   * then one rounding (to nearest, ties to even) to the tensor's dtype. A NaN that comes of it is the positive quiet NaN
   * without payload. An element whose bits are equal in all ingredients is copied. Same bits on every backend and thread count.
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

  /**
   * Cross-entropy of the mixtures' averaged logits (RADIN, Eq. 3, with the loss of the paper's method), to the bit what
   * cross-entropy.ts computes, on every backend and thread count, from memory and files alike. For a sample whose logits
   * lie within X ≤ 64 of the label's, that is float32 arithmetic with an error below ((N / 5 + 7) X + 25) 2^−24 against
   * float64 for uniform subsets and ((N + 3) X + 25) 2^−24 for others; farther samples are computed in float64 (docs/numerics.md).
   * Cost: one pass over the logits for some hundred mixtures; memory beyond the logits: S (N + 1) numbers per thread with gradients, S
   * without, and at most 16 MB.
   * @throws RangeError naming model, sample and class of the first logit that is not finite.
   * @throws SourceError naming the file, in the order of `logits`, that ended early, changed or could not be read.
   */
  crossEntropy(request: CrossEntropyRequest, options?: RunOptions): Promise<CrossEntropy>;

  /**
   * One pass over the logits that keeps the classes that matter and, for the others, bounds on their sum that are linear in
   * p before the exponential (docs/numerics.md). They are twice as narrow where no weight is above half of the mixture. Bounds have the same bits on every thread count and instruction set; the
   * reference's are its own. Memory: the bank, at most as many floats as there are logits, and some MB per thread.
   * @throws RangeError naming model, sample and class of the first logit that is not finite.
   * @throws SourceError as crossEntropy does.
   */
  openCrossEntropyBank(request: CrossEntropyBankRequest, options?: RunOptions): Promise<CrossEntropyBank>;
}
