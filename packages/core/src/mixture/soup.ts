import type { Backend, FloatDtype } from '@radin/native';
import type { TensorInfo } from '../formats/index.js';
import { type Checkpoint, isAveraged, mustBeEqual, type Pool, unequalTensor } from '../pool/index.js';
import type { Mixture } from './mixture.js';

/** Bytes of each ingredient that are in memory at once while a soup is read: N of these is a soup's peak memory. */
const WINDOW_BYTES = 4 * 2 ** 20;

/** soup(p) = Σ p_k w_k (RADIN, Eq. 2): a checkpoint whose tensors are averaged when they are read. */
export class Soup implements Checkpoint {
  readonly #ingredients: readonly Checkpoint[];
  readonly #tensors: ReadonlyMap<string, TensorInfo>;
  readonly #weights: Float64Array;
  readonly #backend: Backend;

  constructor(
    pool: Pool,
    readonly mixture: Mixture,
    backend: Backend,
  ) {
    this.#ingredients = mixture.ingredients.map((index) => pool.checkpoints[index] as Checkpoint);
    this.#tensors = new Map(pool.tensors.map((tensor) => [tensor.name, tensor]));
    // Weights of exactly 1 for a uniform subset: the sum is then divided once, and exact halves stay exact halves.
    this.#weights = Float64Array.from(mixture.ingredients, (index) =>
      mixture.uniform ? 1 : (mixture.weights[index] as number),
    );
    this.#backend = backend;
  }

  /** The ingredients' ids, joined. */
  get id(): string {
    return this.#ingredients.map(({ id }) => id).join('+');
  }

  get tensors(): readonly TensorInfo[] {
    return [...this.#tensors.values()];
  }

  /** @throws RadinError where a tensor that has no average differs between ingredients. */
  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new RangeError(`Expected a tensor of the pool but received ${name}`);
    if (this.#ingredients.length === 1) return (this.#ingredients[0] as Checkpoint).read(name, target, byteOffset);
    // A whole number of elements of every dtype, so that windows never cut one.
    for (let start = 0; start < target.byteLength; start += WINDOW_BYTES) {
      const output = target.subarray(start, start + WINDOW_BYTES);
      const windows = await Promise.all(
        this.#ingredients.map(async (ingredient) => {
          const window = new Uint8Array(output.byteLength);
          await ingredient.read(name, window, byteOffset + start);
          return window;
        }),
      );
      if (isAveraged(tensor)) await this.#average(tensor, windows, output);
      else this.#copy(tensor, windows, output);
    }
  }

  async #average(tensor: TensorInfo, ingredients: readonly Uint8Array[], output: Uint8Array): Promise<void> {
    await this.#backend.average({
      weights: this.#weights,
      divisors: Float64Array.of(this.mixture.uniform ? ingredients.length : 1),
      tensors: [{ dtype: tensor.dtype as FloatDtype, ingredients, outputs: [output] }],
    });
  }

  #copy(tensor: TensorInfo, ingredients: readonly Uint8Array[], output: Uint8Array): void {
    const first = ingredients[0] as Uint8Array;
    const other = mustBeEqual(tensor) ? ingredients.findIndex((bytes) => Buffer.compare(first, bytes) !== 0) : -1;
    if (other >= 0) {
      throw unequalTensor(tensor, (this.#ingredients[0] as Checkpoint).id, (this.#ingredients[other] as Checkpoint).id);
    }
    output.set(first);
  }
}
