import type { TensorInfo } from '../formats/index.js';
import type { MixedCheckpoint, Mixture } from '../mixture/index.js';
import { type Checkpoint, readTensors, type TensorRead } from '../pool/index.js';

/** A checkpoint with other values in some tensors of its own. */
export class WithStatistics implements Checkpoint {
  readonly #model: Checkpoint;
  readonly #statistics: ReadonlyMap<string, Uint8Array>;

  /** @param statistics little-endian bytes of whole tensors, in the model's dtypes and shapes */
  constructor(model: Checkpoint, statistics: ReadonlyMap<string, Uint8Array>) {
    this.#model = model;
    this.#statistics = statistics;
  }

  get id(): string {
    return this.#model.id;
  }

  get tensors(): readonly TensorInfo[] {
    return this.#model.tensors;
  }

  read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    return this.readAll([{ name, target, byteOffset }]);
  }

  async readAll(reads: readonly TensorRead[], options: { signal?: AbortSignal } = {}): Promise<void> {
    await readTensors(
      this.#model,
      reads.filter(({ name }) => !this.#statistics.has(name)),
      options,
    );
    for (const { name, target, byteOffset = 0 } of reads) {
      const bytes = this.#statistics.get(name);
      if (bytes !== undefined) target.set(bytes.subarray(byteOffset, byteOffset + target.byteLength));
    }
  }
}

/** A soup with statistics that were estimated for it. */
export class SoupWithStatistics extends WithStatistics implements MixedCheckpoint {
  readonly mixture: Mixture;

  constructor(soup: MixedCheckpoint, statistics: ReadonlyMap<string, Uint8Array>) {
    super(soup, statistics);
    this.mixture = soup.mixture;
  }
}
