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

/** One tensor of all models, and of the reference where there is one: sources of the same length. */
export interface GramTensor {
  readonly dtype: FloatDtype;
  /** N. */
  readonly models: readonly Source[];
  /** The same tensor of what the models are compared with; in all tensors of a request or in none. */
  readonly reference?: Source;
  /** The group whose matrix the tensor is part of, in [0, G). */
  readonly group: number;
}

export interface GramRequest {
  /** N ≥ 1. */
  readonly models: number;
  /** G ≥ 1. */
  readonly groups: number;
  readonly tensors: readonly GramTensor[];
  /**
   * Bytes of work space for the whole call beyond 2 G N² numbers, at least `leastGramMemory(N)`; default 256 MiB. Where it is
   * short, files are read in smaller pieces, then by fewer threads. The result does not depend on it.
   */
  readonly memoryLimit?: number;
}

/** The least `memoryLimit` of a Gram matrix of N models, in bytes. */
export function leastGramMemory(models: number): number {
  return 7 * 1024 * (models + 4) + 36 * (models + 8) ** 2;
}

export interface Gram {
  /** Shape [G, N, N], each symmetric: the inner products of the models' differences from the reference over a group's tensors. */
  readonly products: Float64Array;
  /** Shape [N], with a reference [N + 1]: how many weights of each model, and of the reference, are NaN or infinite. */
  readonly notFinite: Float64Array;
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
  /** Whether to return gradients as well; only of losses without temperatures. */
  readonly gradient?: boolean;
  /** What is added up over the samples: −log softmax(z)[label], in nats, softmax(z)[label], or Σ_c (softmax(z)[c] − [c = label])². Default: `loss`. */
  readonly measure?: SampleMeasure;
  /** Shape [N], each in [10^−6, 10^6]: what each model's logits are divided by, z = Σ_k p_k ŷ_k / T_k. Default: 1. */
  readonly temperatures?: Float64Array;
}

export type SampleMeasure = 'loss' | 'probability' | 'squared-error';

export interface CrossEntropy {
  /** Shape [S]: −log softmax(Σ_k p_k ŷ_k)[label] in nats, or what the request's measure is, summed over the M samples. */
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
  | { readonly kind: 'cross-entropy' }
  /** Σ_c (softmax(z)[c] − [c = label])². */
  | { readonly kind: 'squared-error' };

export interface BankRequest extends LogitsRequest {
  /** What counts as correct: the label is among the `top` largest logits. 1 is accuracy. 1 ≤ top ≤ C. */
  readonly top: number;
}

/** What building a bank found out. */
export interface BankStatistics {
  /** Samples that every mixture gets right, and samples that every mixture gets wrong. */
  readonly alwaysRight: number;
  readonly alwaysWrong: number;
  /** Classes left to look at, over all other samples; a dense loop looks at M · C. */
  readonly rows: number;
  /** Memory that the bank holds. */
  readonly bytes: number;
}

export interface AllSubsetsRequest {
  /** K, how many of the best subsets to return, ≥ 0. */
  readonly keep: number;
  /** λ of the prior (RADIN, Eq. 4), added to the score for each model, ≥ 0. */
  readonly lambda: number;
  /** Whether to return the count of every subset too: 2^N numbers of 4 bytes, and as much work as without. */
  readonly everyCount?: boolean;
}

export interface AllSubsets {
  /**
   * The best min(K, 2^N − 1) subsets, best first, as bit masks: bit k is model k. Ordered by fraction correct + λ · size,
   * then larger size, then the lower model index where two of one size first differ.
   */
  readonly subsets: Uint32Array;
  /** Correct samples of each of them. */
  readonly correct: Float64Array;
  /** Over all subsets of each size, index = size, [N + 1]: fewest and most correct samples, and their sum. Index 0 means nothing. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
  readonly total: Float64Array;
  /** Where asked for, the correct samples of every subset, index = bit mask, [2^N]; index 0 is 0. */
  readonly counts?: Uint32Array;
}

/**
 * What is left of N models' logits once everything is left out that is the same for every mixture: hopeless classes, decided
 * samples. Nothing is approximated: every answer is the integer that the plain float64 loop over all classes gives.
 *
 * That loop: a = p / max p; z_c = Σ_k a_k ŷ_k[m, c] in float64, k ascending over a_k > 0, starting from the first product;
 * the sample is correct if fewer than `top` classes have z_c > z_label, or z_c = z_label and c < label.
 */
export interface Bank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly top: number;
  readonly statistics: BankStatistics;
  /**
   * Correct samples of each mixture (RADIN, Eq. 3). Cost: about rows · ingredients additions for each.
   * @param mixtures [S, N], p_k ≥ 0, at least one > 0
   * @returns S integers in [0, M]
   */
  count(mixtures: Float64Array, options?: RunOptions): Promise<Float64Array>;
  /** 1 for each sample that the mixture [N] gets right, else 0. */
  correct(mixture: Float64Array, options?: RunOptions): Promise<Uint8Array>;
  /** Scores all 2^N − 1 uniform subsets, 1 ≤ N ≤ 24. @throws RangeError for a larger pool or no samples */
  allSubsets(request: AllSubsetsRequest, options?: RunOptions): Promise<AllSubsets>;
  /** Gives the memory back now; calls under way finish, later ones throw. */
  close(): void;
}

/** Most models for which all subsets can be scored. */
export const MOST_MODELS_FOR_ALL_SUBSETS = 24;

export interface PredictRequest {
  /** Finite, [M, C]; of others the results mean nothing. */
  readonly logits: Float32Array;
  /** C ≥ 1. */
  readonly classes: number;
}

export interface Predicted {
  /** The class of the largest logit of each sample, ties to the lowest, [M]. */
  readonly predicted: Uint32Array;
  /** Σ_c exp(z_c − max z) of each sample, in [1, C], [M]. 1 / sum is the softmax probability of the predicted class. */
  readonly sums: Float64Array;
}

export interface Backend {
  readonly name: string;

  /**
   * Reads the logits once and makes a bank of them. Files may be closed and arrays changed once it has settled.
   * Memory beyond the bank: it once more while it is made, and for each thread 32 MiB or one sample of all models for logits
   * that are not float32 in memory. `cuda` keeps the bank on the device too.
   * @throws NonFiniteLogitError for the first logit, by model, sample and class, that is not finite
   * @throws SourceError naming the file that ended early, changed or could not be read; sources are the models
   */
  openBank(request: BankRequest, options?: RunOptions): Promise<Bank>;

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
   * Inner products ⟨w_i − r, w_j − r⟩ of all pairs of models, per group of tensors. r is the reference, or where none is given,
   * for each element the mean of the models: their sum in float64 in the order of the models, divided in float64.
   *
   * A difference w_k − r is taken in float64 and rounded once to float32; beyond float32's range it is the largest number of
   * that sign. Products of two differences are exact in float64 and added there: in a block of 16384 elements of a tensor,
   * those of each index modulo 8 in their order, starting from 0, then ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
   * the sums of blocks in the order of blocks and tensors, starting from 0. Same bits on every backend, thread count, memory
   * limit and kind of source.
   *
   * A weight that is NaN or infinite has the difference 0 and no part in the mean, and where the reference is NaN or
   * infinite, all models' differences are 0. Distances between models that have none such are those of their weights, other
   * models' products mean nothing.
   *
   * Cost: one read of every source, and N (N + 1) / 2 multiplications for each element; differences are never in memory but
   * for 128 elements. `cuda` has the CPU do it: it is bound by reading, of which a device would save nothing.
   * @throws SourceError as average does; sources count through tensors × models, in each tensor the reference last
   */
  gram(request: GramRequest, options?: RunOptions): Promise<Gram>;

  /**
   * What logits predict. An exponential is within 2 ulp, and rounded to a multiple of 2^−52 of the least power of two of at
   * least C; sums of such are exact, so no order of the classes changes a bit, and a sum is within C (C + 1) 2^−52 of the
   * exact one. Same bits on every backend and thread count. Cost: one read of the logits, and an exponential for each.
   * `cuda` has the CPU do it: the logits are in host memory.
   */
  predict(request: PredictRequest, options?: RunOptions): Promise<Predicted>;

  /**
   * Cross-entropy of the mixtures' averaged logits (RADIN, Eq. 3, with the loss of the paper's method), to the bit what
   * cross-entropy.ts computes, on every backend and thread count, from memory and files alike. For a sample whose logits
   * lie within X ≤ 64 of the label's, less where temperatures raise Σ p_k / T_k above 1 and 512 for probabilities, that is float32 arithmetic with an error below ((N / 5 + 7) X + 25) 2^−24 against
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
