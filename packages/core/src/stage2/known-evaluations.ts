import type { Mixture } from '../mixture/index.js';
import type { Evaluated } from './evaluated.js';
import type { EvaluationMemory } from './evaluation-memory.js';

/** What earlier runs found of soups, if anything keeps it, and of how many soups that was all that was asked. */
export class KnownEvaluations {
  /** Whether all that was asked of each soup so far was known, by key. */
  readonly #known = new Map<string, boolean>();

  constructor(private readonly memory: EvaluationMemory | undefined) {}

  /** Whether what is found is kept for later runs. */
  get remembers(): boolean {
    return this.memory !== undefined;
  }

  /** Soups for which all that was asked of them was known. */
  get reused(): number {
    return [...this.#known.values()].filter((known) => known).length;
  }

  /** What the soup got on each of these lists of samples, where that is known. */
  async find(mixture: Mixture, parts: readonly Uint32Array[]): Promise<(Evaluated | undefined)[]> {
    const found = await Promise.all(parts.map((samples) => this.memory?.find(mixture, samples)));
    const { key } = mixture;
    this.#known.set(key, found.every((one) => one !== undefined) && this.#known.get(key) !== false);
    return found;
  }

  async keep(mixture: Mixture, found: readonly (readonly [Uint32Array, Evaluated])[]): Promise<void> {
    await this.memory?.keep(mixture, found);
  }
}
