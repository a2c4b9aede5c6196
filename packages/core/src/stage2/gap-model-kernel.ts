import type { Mixture } from '../mixture/index.js';
import type { WeightGeometry } from '../pool/index.js';
import { Cholesky, dot } from './gap-model-cholesky.js';

/** A mixture as the kernels see it; squared lengths in units of the pool's median squared distance of two models. */
export interface GapPoint {
  ingredients: readonly number[];
  weights: Float64Array;
  /** G p. */
  readonly products: Float64Array;
  /** pᵀ G p. */
  square: number;
  /** Of the linear terms: [N + 2], all 0 for a single model. */
  readonly features: Float64Array;
}

/** Mixtures of a pool as points in weight space. */
export class GapSpace {
  readonly size: number;
  readonly #gram: Float64Array;

  constructor(geometry: WeightGeometry) {
    this.size = geometry.size;
    const unit = geometry.medianDistance ** 2 || 1;
    this.#gram = geometry.gram.map((product) => product / unit);
  }

  /**
   * Costs N · size.
   * @param reused a point that is no longer needed, whose arrays are overwritten: making new ones takes longer than filling them
   */
  point({ weights, ingredients }: Mixture, reused?: GapPoint): GapPoint {
    const { size } = this;
    const gram = this.#gram;
    const point = reused ?? {
      ingredients,
      weights,
      products: new Float64Array(size),
      square: 0,
      features: new Float64Array(size + 2),
    };
    const { products } = point;
    products.fill(0);
    for (let i = 0; i < ingredients.length; i += ROWS) addRows(gram, weights, ingredients, i, products);
    point.square = 0;
    for (const k of ingredients) point.square += (weights[k] as number) * (products[k] as number);
    point.ingredients = ingredients;
    point.weights = weights;
    this.#describe(point);
    return point;
  }

  /** ‖soup(p) − soup(q)‖². */
  squaredDistance(p: GapPoint, q: GapPoint): number {
    const { products } = p;
    const { weights, ingredients } = q;
    let inner = 0;
    for (let i = 0; i < ingredients.length; i++) {
      const k = ingredients[i] as number;
      inner += (weights[k] as number) * (products[k] as number);
    }
    return Math.max(p.square + q.square - 2 * inner, 0);
  }

  /** ‖soup(p) − w_k‖². */
  squaredDistanceFrom(p: GapPoint, k: number): number {
    return Math.max(p.square - 2 * (p.products[k] as number) + (this.#gram[k * (this.size + 1)] as number), 0);
  }

  /**
   * v / (1 + v) with the weight variance v = Σ m_k, m_k = p_k ‖w_k − soup(p)‖²; ln of the effective size 1 / Σ p² in units of ln N;
   * and each model's share m_k / (1 + v). Divided by 1 + v, because a gap is bounded and the variance of a diverged model is not.
   */
  #describe(point: GapPoint): void {
    const { size } = this;
    const { features, ingredients, weights } = point;
    features.fill(0);
    if (ingredients.length === 1) return;
    let variance = 0;
    let squares = 0;
    for (const k of ingredients) {
      const weight = weights[k] as number;
      const share = weight * this.squaredDistanceFrom(point, k);
      features[2 + k] = share;
      variance += share;
      squares += weight * weight;
    }
    for (const k of ingredients) features[2 + k] = (features[2 + k] as number) / (1 + variance);
    features[0] = variance / (1 + variance);
    features[1] = -Math.log(squares) / Math.log(Math.max(size, 2));
  }
}

/** φ(p)ᵀ φ(q), of which only p's ingredients can have a part. */
export function linearCovariance(p: GapPoint, q: GapPoint): number {
  const [a, b] = [p.features, q.features];
  const { ingredients } = p;
  let sum = (a[0] as number) * (b[0] as number) + (a[1] as number) * (b[1] as number);
  for (let i = 0; i < ingredients.length; i++) {
    const k = (ingredients[i] as number) + 2;
    sum += (a[k] as number) * (b[k] as number);
  }
  return sum;
}

/** Rows of G that are added together, so that a sum is loaded and stored once for all of them. */
const ROWS = 4;

/** Adds p_k G_k for the ingredients from `begin` on, at most ROWS; those beyond the last count nothing. */
function addRows(
  gram: Float64Array,
  weights: Float64Array,
  ingredients: readonly number[],
  begin: number,
  sums: Float64Array,
): void {
  const size = sums.length;
  const at = (i: number) => (begin + i < ingredients.length ? (ingredients[begin + i] as number) : -1);
  const [k0, k1, k2, k3] = [at(0), at(1), at(2), at(3)];
  const weightOf = (k: number) => (k < 0 ? 0 : (weights[k] as number));
  const [w0, w1, w2, w3] = [weightOf(k0), weightOf(k1), weightOf(k2), weightOf(k3)];
  const rowOf = (k: number) => Math.max(k, 0) * size;
  const [r0, r1, r2, r3] = [rowOf(k0), rowOf(k1), rowOf(k2), rowOf(k3)];
  for (let j = 0; j < size; j++) {
    sums[j] =
      (sums[j] as number) +
      (w0 * (gram[r0 + j] as number) + w1 * (gram[r1 + j] as number)) +
      (w2 * (gram[r2 + j] as number) + w3 * (gram[r3 + j] as number));
  }
}

/** Added to the diagonal of the singles' covariances, so that equal models do not make them singular. */
const SINGLES_NUGGET = 1e-10;

/** The covariance of distances r: Matérn 5/2, twice differentiable as a loss is. */
function matern(squaredDistance: number, length: number): number {
  const x = Math.sqrt(5 * squaredDistance) / length;
  return (1 + x + (x * x) / 3) * Math.exp(-x);
}

/** What a point has in common with the single models. */
export type Residue = Float64Array;

/**
 * The covariance k(p, q) − k_pᵀ K⁻¹ k_q of a process of unit variance that is known to be 0 at every single model; K are the
 * covariances of the singles, k_p those of p with them.
 */
export class VanishingKernel {
  readonly #space: GapSpace;
  readonly #singles: Cholesky;

  constructor(
    space: GapSpace,
    readonly singles: readonly GapPoint[],
    readonly length: number,
  ) {
    this.#space = space;
    const n = space.size;
    const matrix = new Float64Array(n * n);
    for (const [i, p] of singles.entries()) {
      for (let j = 0; j <= i; j++) matrix[i * n + j] = matern(space.squaredDistanceFrom(p, j), length);
      matrix[i * (n + 1)] = 1 + SINGLES_NUGGET;
    }
    this.#singles = new Cholesky(matrix, n, SINGLES_NUGGET);
  }

  /** N. */
  get size(): number {
    return this.#space.size;
  }

  /** L⁻¹ k_p with K = L Lᵀ, in an array that may be given; costs N² / 2. */
  residue(p: GapPoint, covariances: Residue = new Float64Array(this.#space.size)): Residue {
    for (let k = 0; k < covariances.length; k++) {
      covariances[k] = matern(this.#space.squaredDistanceFrom(p, k), this.length);
    }
    return this.#singles.solveLower(covariances);
  }

  covariance(p: GapPoint, ofP: Residue, q: GapPoint, ofQ: Residue): number {
    return matern(this.#space.squaredDistance(p, q), this.length) - dot(ofP, ofQ);
  }

  /** Never negative. */
  variance(ofP: Residue): number {
    return Math.max(1 - dot(ofP, ofP), 0);
  }
}
