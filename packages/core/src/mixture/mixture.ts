/** Weights further from a sum of 1 than this are taken for a mistake and not for rounding. */
const SUM_TOLERANCE = 1e-6;

/** Mixing weights p of a pool of N models: p_k ≥ 0, Σ p_k = 1. A *uniform subset* has p_k = 1/|S| on S and 0 elsewhere. */
export class Mixture {
  /** p, length N. */
  readonly weights: Float64Array;
  /** Indices of the ingredients, p_k > 0, ascending. */
  readonly ingredients: readonly number[];
  /** Whether all ingredients have the same weight. */
  readonly uniform: boolean;
  /** The same for equal mixtures and different for others; its order is the last tie-break of every ranking. */
  readonly key: string;

  private constructor(weights: Float64Array, ingredients: readonly number[]) {
    this.weights = weights;
    this.ingredients = ingredients;
    const first = weights[ingredients[0] as number];
    this.uniform = ingredients.every((index) => weights[index] === first);
    this.key = ingredients
      .map((index) => String(index).padStart(4, '0') + (this.uniform ? '' : `:${weights[index]}`))
      .join('+');
  }

  /** The uniform subset of these model indices, each in [0, poolSize). */
  static uniform(poolSize: number, indices: readonly number[]): Mixture {
    const ingredients = [...new Set(indices)].sort((a, b) => a - b);
    const weights = new Float64Array(poolSize);
    for (const index of ingredients) {
      if (!(Number.isInteger(index) && index >= 0 && index < poolSize)) {
        throw new RangeError(`Expected model indices below ${poolSize} but received ${index}`);
      }
      weights[index] = 1 / ingredients.length;
    }
    if (ingredients.length === 0) throw new RangeError('Expected at least one ingredient but received none');
    return new Mixture(weights, ingredients);
  }

  /** The mixture of these very weights, as an earlier run has recorded them. @throws RangeError as `of` */
  static recorded(weights: readonly number[]): Mixture {
    const { ingredients } = Mixture.of(weights);
    return new Mixture(Float64Array.from(weights), ingredients);
  }

  /** The mixture of these weights, divided by their sum. @throws RangeError unless p ≥ 0 and Σ p = 1 within 1e-6. */
  static of(weights: readonly number[]): Mixture {
    const invalid = weights.find((weight) => !(weight >= 0 && Number.isFinite(weight)));
    if (invalid !== undefined) throw new RangeError(`Expected mixing weights ≥ 0 but received ${invalid}`);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw new RangeError(`Expected mixing weights that sum to 1 but received a sum of ${sum}`);
    }
    const ingredients = [...weights.keys()].filter((index) => (weights[index] as number) > 0);
    const first = weights[ingredients[0] as number];
    return ingredients.every((index) => weights[index] === first)
      ? Mixture.uniform(weights.length, ingredients)
      : new Mixture(
          Float64Array.from(weights, (weight) => weight / sum),
          ingredients,
        );
  }

  /** Number of ingredients: Σ 1[p_k > 0] of RADIN, Eq. 4. */
  get size(): number {
    return this.ingredients.length;
  }

  /** Those of the pool's models, or of what is known of them, that are ingredients. @param models length N */
  ingredientsOf<T>(models: readonly T[]): T[] {
    return this.ingredients.map((index) => models[index] as T);
  }
}
