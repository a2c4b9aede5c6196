/**
 * Where a pool's models lie in weight space, as far as inner products of their differences tell: everything about a
 * mixture of them costs O(N²) and no look at the weights. Lengths are Euclidean, over all elements of the tensors measured.
 */
export class WeightGeometry {
  /** N. */
  readonly size: number;
  /** Shape [N, N]: ⟨w_i − w̄, w_j − w̄⟩, w̄ being the mean of the usable models. */
  readonly gram: Float64Array;
  readonly #fromStart: Float64Array | undefined;
  readonly #usable: readonly number[];

  /**
   * @param products shape [N, N]: ⟨w_i − r, w_j − r⟩ for any r
   * @param isStart whether r is the initialisation w_init that the models were fine-tuned from
   * @param usable indices of the models whose weights are numbers; what is said of the others, or of mixtures with them, means
   *   nothing, and they count neither for w̄ nor for the median distance. Default: all
   */
  constructor(products: Float64Array, options: { isStart?: boolean; usable?: readonly number[] } = {}) {
    this.size = Math.sqrt(products.length);
    if (!Number.isInteger(this.size)) throw new RangeError(`Expected N × N products but received ${products.length}`);
    this.#usable = options.usable ?? [...Array(this.size).keys()];
    this.gram = centred(products, this.#usable);
    this.#fromStart = options.isStart ? products : undefined;
  }

  /** ‖w_i − w_j‖. */
  distance(i: number, j: number): number {
    return Math.sqrt(Math.max(this.#at(i, i) + this.#at(j, j) - 2 * this.#at(i, j), 0));
  }

  /** The median of ‖w_i − w_j‖ over all pairs of usable models; 0 where there are fewer than two. */
  get medianDistance(): number {
    const usable = this.#usable;
    return median(usable.flatMap((i, at) => usable.slice(0, at).map((j) => this.distance(i, j))));
  }

  /** ‖soup(p) − soup(q)‖² = (p − q)ᵀ G (p − q). */
  squaredDistance(p: ArrayLike<number>, q: ArrayLike<number>): number {
    const difference = Float64Array.from(p, (weight, k) => weight - (q[k] as number));
    return Math.max(quadraticForm(this.gram, difference), 0);
  }

  /** Weight variance Σ p_k ‖w_k − soup(p)‖² = Σ p_k G_kk − pᵀ G p; 0 for a single model. */
  variance(p: ArrayLike<number>): number {
    let sum = 0;
    for (let k = 0; k < this.size; k++) sum += (p[k] as number) * this.#at(k, k);
    return Math.max(sum - quadraticForm(this.gram, p), 0);
  }

  /** ‖soup(p) − w̄‖. */
  distanceFromMean(p: ArrayLike<number>): number {
    return Math.sqrt(Math.max(quadraticForm(this.gram, p), 0));
  }

  /** ‖soup(p) − w_init‖, where the initialisation is known. */
  distanceFromStart(p: ArrayLike<number>): number | undefined {
    return this.#fromStart && Math.sqrt(Math.max(quadraticForm(this.#fromStart, p), 0));
  }

  /** The angle between w_i − r and w_j − r in radians, r being w_init where it is known and else w̄; NaN where one is 0. */
  angle(i: number, j: number): number {
    const products = this.#fromStart ?? this.gram;
    const at = (a: number, b: number) => products[a * this.size + b] as number;
    return Math.acos(Math.min(Math.max(at(i, j) / Math.sqrt(at(i, i) * at(j, j)), -1), 1));
  }

  #at(i: number, j: number): number {
    return this.gram[i * this.size + j] as number;
  }
}

/** The middle of sorted values, or between the two middle ones; 0 for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** pᵀ G p over the k with p_k ≠ 0. */
function quadraticForm(gram: Float64Array, p: ArrayLike<number>): number {
  const size = p.length;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    if (p[i] === 0) continue;
    let row = 0;
    for (let j = 0; j < size; j++) row += (gram[i * size + j] as number) * (p[j] as number);
    sum += (p[i] as number) * row;
  }
  return sum;
}

/** The products for r = w̄: those of all differences from the mean row and column, which any r gives alike. */
function centred(products: Float64Array, usable: readonly number[]): Float64Array {
  const size = Math.sqrt(products.length);
  const rowMeans = Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (const j of usable) sum += products[i * size + j] as number;
    return sum / Math.max(usable.length, 1);
  });
  let total = 0;
  for (const i of usable) total += rowMeans[i] as number;
  const mean = total / Math.max(usable.length, 1);
  return products.map((product, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return product - ((rowMeans[i] as number) + (rowMeans[j] as number)) + mean;
  });
}
