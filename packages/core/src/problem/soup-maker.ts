import type { Backend } from '@radin/native';
import { type BatchNormEstimator, SoupWithStatistics } from '../batch-norm/index.js';
import { type MixedCheckpoint, type Mixture, Soup } from '../mixture/index.js';
import type { Pool } from '../pool/index.js';
import { Slots } from '../slots.js';

type Statistics = ReadonlyMap<string, Uint8Array>;

/** Makes of a mixture the checkpoint that is evaluated and written: the average and, where an estimator is given, its statistics anew. */
export class SoupMaker {
  readonly #pool: Pool;
  readonly #backend: Backend;
  readonly #known = new Map<string, Promise<Statistics>>();
  /** One estimate keeps all threads busy. */
  readonly #slots = new Slots(1);

  constructor(
    pool: Pool,
    backend: Backend,
    /** What estimates the statistics of BatchNorm layers; without it soups are averages as they are. */
    readonly estimator: BatchNormEstimator | undefined,
  ) {
    this.#pool = pool;
    this.#backend = backend;
  }

  /**
   * The mixture's soup. A single model keeps the statistics that it was trained with. Cost: an estimate on the first call for a
   * mixture, where there is an estimator. @throws as `BatchNormEstimator.estimate`
   */
  async open(mixture: Mixture, options: { readonly signal?: AbortSignal } = {}): Promise<MixedCheckpoint> {
    const soup = new Soup(this.#pool, mixture, this.#backend);
    const { estimator } = this;
    if (estimator === undefined || mixture.size === 1) return soup;
    const known = this.#known.get(mixture.key) ?? this.#estimate(estimator, soup, options.signal);
    this.#known.set(mixture.key, known);
    // What failed or was aborted can be asked for again.
    known.catch(() => this.#known.delete(mixture.key));
    return new SoupWithStatistics(soup, await known);
  }

  /** Closes what the estimator reads. */
  close(): void {
    this.estimator?.close();
  }

  async #estimate(estimator: BatchNormEstimator, soup: Soup, signal: AbortSignal | undefined): Promise<Statistics> {
    await this.#slots.acquire(signal);
    try {
      return await estimator.estimate(soup, signal ? { signal } : {});
    } finally {
      this.#slots.release();
    }
  }
}
