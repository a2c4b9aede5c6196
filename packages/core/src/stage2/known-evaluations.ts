import { LostEvaluation } from '../evaluator/index.js';
import type { Mixture } from '../mixture/index.js';
import type { Evaluated } from './evaluated.js';
import type { EvaluationMemory } from './evaluation-memory.js';

/** What earlier runs, or this one before it was ended, found of soups, if anything keeps it, and of how many soups that was all that was asked. */
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

  /** What the soup got on each of these lists of samples, where that is known. @throws LostEvaluation where it is known that the rest will be lost */
  async find(mixture: Mixture, parts: readonly Uint32Array[]): Promise<(Evaluated | undefined)[]> {
    const found = await Promise.all(parts.map((samples) => this.memory?.find(mixture, samples)));
    const { key } = mixture;
    const isKnown = found.every((one) => one !== undefined);
    const lost = isKnown ? undefined : await this.memory?.lost(mixture);
    if (lost !== undefined) throw new LostEvaluation(lost);
    this.#known.set(key, isKnown && this.#known.get(key) !== false);
    return found;
  }

  async keep(mixture: Mixture, found: readonly (readonly [Uint32Array, Evaluated])[]): Promise<void> {
    await this.memory?.keep(mixture, found);
  }

  /** What `evaluate` gives. Where it is lost and not given up, that is kept too: it would be lost again, and take as long. */
  async unlessLost<T>(mixture: Mixture, signal: AbortSignal, evaluate: () => Promise<T>): Promise<T> {
    try {
      return await evaluate();
    } catch (error) {
      if (error instanceof LostEvaluation && !signal.aborted) await this.memory?.lose(mixture, error.message);
      throw error;
    }
  }
}
