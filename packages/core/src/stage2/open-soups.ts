import type { LoadedModel } from '../evaluator/index.js';
import type { Mixture } from '../mixture/index.js';
import { Slots } from '../slots.js';

/**
 * Soups whose weights stay in memory between the parts of their evaluation, at most `limit` at once. The one that was not
 * used for the longest makes room for the next; it is averaged again if it comes back.
 */
export class OpenSoups {
  readonly #open: (mixture: Mixture, signal: AbortSignal) => Promise<LoadedModel>;
  readonly #limit: number;
  readonly #slots: Slots;
  /** By key, the least recently used first. */
  readonly #idle = new Map<string, LoadedModel>();
  #inUse = 0;

  /** @param limit ≥ 1 @param tasks how many run at once, at most `limit` */
  constructor(limit: number, tasks: number, open: (mixture: Mixture, signal: AbortSignal) => Promise<LoadedModel>) {
    this.#open = open;
    this.#limit = limit;
    this.#slots = new Slots(tasks);
  }

  /** Runs the task with the soup, waiting while as many tasks as allowed are under way. No two tasks of one soup at a time. */
  async use<T>(mixture: Mixture, signal: AbortSignal, task: (soup: LoadedModel) => Promise<T>): Promise<T> {
    await this.#slots.acquire(signal);
    this.#inUse++;
    let soup = this.#idle.get(mixture.key);
    this.#idle.delete(mixture.key);
    try {
      if (soup === undefined) {
        await this.#makeRoom();
        soup = await this.#open(mixture, signal);
      }
      return await task(soup);
    } finally {
      if (soup !== undefined) this.#idle.set(mixture.key, soup);
      this.#inUse--;
      this.#slots.release();
    }
  }

  /** Closes all. Tasks must have settled. */
  async close(): Promise<void> {
    const soups = [...this.#idle.values()];
    this.#idle.clear();
    await Promise.all(soups.map((soup) => soup.close()));
  }

  async #makeRoom(): Promise<void> {
    while (this.#idle.size + this.#inUse > this.#limit) {
      const [oldest] = this.#idle;
      if (oldest === undefined) return;
      this.#idle.delete(oldest[0]);
      await oldest[1].close();
    }
  }
}
