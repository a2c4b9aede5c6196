import { canHashTensors } from '@radin/native';
import { Slots } from '../slots.js';
import type { Checkpoint } from './checkpoint.js';
import { contentSha256 } from './content.js';

/**
 * Models hashed at once. Native code takes all cores for one, and has the next one's tensors when the last of these are few; without it as many
 * as the system's pool has threads.
 */
const hashedAtOnce = () => (canHashTensors() ? 2 : 4);

/** The content hashes of models, each computed once from the model's bytes; names, sizes and times of files prove nothing. */
export class KnownContents {
  readonly #slots = new Slots(hashedAtOnce());
  readonly #known = new Map<Checkpoint, Promise<{ readonly sha256: string; readonly stamp: string | undefined }>>();

  /** `contentSha256` of the model; one read on the first call. @throws as `contentSha256` */
  async sha256(model: Checkpoint, options: { signal?: AbortSignal } = {}): Promise<string> {
    const known = this.#known.get(model) ?? this.#hash(model, options);
    this.#known.set(model, known);
    try {
      return (await known).sha256;
    } catch (error) {
      // What failed or was aborted can be asked for again.
      this.#known.delete(model);
      throw error;
    }
  }

  /**
   * Whether nobody has written to the model's file since it was hashed, by the times that the system keeps: what was computed
   * from the weights in the meantime then belongs to the hash.
   */
  async isUnchanged(model: Checkpoint): Promise<boolean> {
    return (await this.#known.get(model))?.stamp === (await model.stamp?.());
  }

  async #hash(
    model: Checkpoint,
    options: { signal?: AbortSignal },
  ): Promise<{ sha256: string; stamp: string | undefined }> {
    await this.#slots.acquire(options.signal);
    try {
      const stamp = await model.stamp?.();
      return { sha256: await contentSha256(model, options), stamp };
    } finally {
      this.#slots.release();
    }
  }
}
