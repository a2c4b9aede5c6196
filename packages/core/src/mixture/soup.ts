import type { Backend } from '@radin/native';
import type { TensorInfo } from '../formats/index.js';
import type { Checkpoint, Pool, TensorRead } from '../pool/index.js';
import { averageSoups } from './average-soups.js';
import type { Mixture } from './mixture.js';

/** A checkpoint that is made of a pool's models. */
export interface MixedCheckpoint extends Checkpoint {
  readonly mixture: Mixture;
}

/** soup(p) = Σ p_k w_k (RADIN, Eq. 2): a checkpoint whose tensors are averaged when they are read. */
export class Soup implements MixedCheckpoint {
  readonly #pool: Pool;
  readonly #tensors: ReadonlyMap<string, TensorInfo>;
  readonly #backend: Backend;

  constructor(
    pool: Pool,
    readonly mixture: Mixture,
    backend: Backend,
  ) {
    this.#pool = pool;
    this.#tensors = new Map(pool.tensors.map((tensor) => [tensor.name, tensor]));
    this.#backend = backend;
  }

  /** The ingredients' ids, joined; with their weights where these differ. */
  get id(): string {
    const { ingredients, weights, uniform } = this.mixture;
    const weight = (index: number) => (uniform ? '' : `${Number((weights[index] as number).toPrecision(4))} `);
    return ingredients.map((index) => weight(index) + this.#pool.ids[index]).join('+');
  }

  get tensors(): readonly TensorInfo[] {
    return [...this.#tensors.values()];
  }

  /** @throws RadinError where a tensor that has no average differs between ingredients. */
  read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    return this.readAll([{ name, target, byteOffset }]);
  }

  /** One pass over the ingredients' files for all tensors. */
  async readAll(reads: readonly TensorRead[], options: { signal?: AbortSignal } = {}): Promise<void> {
    const parts = reads.map(({ name, target, byteOffset = 0 }) => {
      const tensor = this.#tensors.get(name);
      if (tensor === undefined) throw new RangeError(`Expected a tensor of the pool but received ${name}`);
      return { tensor, byteOffset, outputs: [target] };
    });
    await averageSoups(this.#pool, [this.mixture], parts, this.#backend, options);
  }
}

/** The soup of a mixture, where it takes more than averaging weights. @throws the signal's reason when aborted */
export type OpenSoup = (mixture: Mixture, options: { readonly signal?: AbortSignal }) => Promise<MixedCheckpoint>;
