import type { ResultStore } from '../cache/index.js';
import type { Inputs } from '../data/index.js';
import { type Logits, logitsFromBytes, storedInMemory } from '../logits/index.js';
import type { Checkpoint } from '../pool/index.js';
import type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
import type { LogitsKeys } from './logits-keys.js';

/** Classes that a model whose graph does not state them may have for its stored logits to be read. */
const MOST_CLASSES = 2 ** 20;

/**
 * Remembers the logits of single models, which every search on a pool begins with: those that are stored cost no forward pass.
 * Logits of soups are never asked for again, only what they got right, so they are passed on and not stored: B × M × C numbers
 * for what takes B × M bits (`EvaluationMemory`).
 */
export class CachingEvaluator implements Evaluator {
  readonly #evaluator: Evaluator;
  readonly #keys: LogitsKeys;
  readonly #cache: ResultStore;

  constructor(evaluator: Evaluator, keys: LogitsKeys, cache: ResultStore) {
    this.#evaluator = evaluator;
    this.#keys = keys;
    this.#cache = cache;
  }

  logits(model: Checkpoint, inputs: Inputs, options: EvaluateOptions = {}): Promise<Logits> {
    return this.#remembering(model, inputs, options, () => this.#evaluator.logits(model, inputs, options));
  }

  /** A score, which `evaluate` may give in the place of logits, is not kept. */
  async #remembering<T extends Logits | number>(
    model: Checkpoint,
    inputs: Inputs,
    options: EvaluateOptions,
    evaluate: () => Promise<T>,
  ): Promise<T | Logits> {
    const { signal } = options;
    const key = await this.#keys.ofModel(model, inputs, signal ? { signal } : {});
    signal?.throwIfAborted();
    if (key === undefined) return evaluate();
    const samples = inputs.shape[0] as number;
    const stored = await this.#cache.read(key, samples * MOST_CLASSES * Float32Array.BYTES_PER_ELEMENT);
    const known = stored && logitsFromBytes(stored, samples);
    if (known !== undefined) {
      options.onRemembered?.();
      options.onProgress?.(samples);
      return known;
    }
    const found = await evaluate();
    if (typeof found !== 'number' && (await this.#keys.contents.isUnchanged(model))) {
      await this.#cache.write(key, storedInMemory(found).source as Uint8Array);
    }
    return found;
  }

  async logitsOrScore(model: Checkpoint, inputs: Inputs, options: EvaluateOptions = {}): Promise<Logits | number> {
    const evaluate = () =>
      this.#evaluator.logitsOrScore?.(model, inputs, options) ?? this.#evaluator.logits(model, inputs, options);
    return this.#remembering(model, inputs, options, evaluate);
  }

  get wholeOnly(): boolean {
    return this.#evaluator.wholeOnly === true;
  }

  /** Whether the model's logits are stored. Cost: one read of the model, for its hash, and one of the inputs on the first call. */
  async remembers(
    model: Checkpoint,
    inputs: Inputs,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<boolean> {
    const key = await this.#keys.ofModel(model, inputs, options);
    return key !== undefined && (await this.#cache.has(key));
  }

  open(model: Checkpoint, inputs: Inputs, options?: { readonly signal?: AbortSignal }): Promise<LoadedModel> {
    return this.#evaluator.open(model, inputs, options);
  }

  batchOf(inputs: Inputs): number {
    return this.#evaluator.batchOf(inputs);
  }

  get weightBytes(): number {
    return this.#evaluator.weightBytes;
  }

  get mostOpen(): number {
    return this.#evaluator.mostOpen ?? Number.POSITIVE_INFINITY;
  }

  dispose(): Promise<void> {
    return this.#evaluator.dispose();
  }
}
