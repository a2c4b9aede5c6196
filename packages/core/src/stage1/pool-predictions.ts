import type { Split } from '../data/index.js';
import { type Evaluator, passOfPool } from '../evaluator/index.js';
import type { LogitsStore, PoolLogits } from '../logits/index.js';
import type { Pool } from '../pool/index.js';
import { type CallOptions, phaseOn } from '../progress.js';
import { ApproxScorer, type ApproxScorerOptions } from './approx-scorer.js';

export interface PoolPredictionsParts extends ApproxScorerOptions {
  readonly pool: Pool;
  readonly split: Split;
  readonly evaluator: Evaluator;
  /** The models' logits, where they are not computed, kept in the store if there is one. @throws RadinError */
  readonly given?: (store?: LogitsStore) => Promise<PoolLogits>;
  /** Where the logits of the models are kept, which is closed with these; default: in memory. */
  readonly store?: LogitsStore;
  /** Models that may be in memory with their logits. Default: as is fastest. */
  readonly atOnce?: number;
}

/** What the models of a pool predict on one split, and what scores mixtures by that: made when first asked for, and once. */
export class PoolPredictions {
  readonly #parts: PoolPredictionsParts;
  #remembered = 0;
  #logits: Promise<PoolLogits> | undefined;
  #scorer: Promise<ApproxScorer> | undefined;

  constructor(parts: PoolPredictionsParts) {
    this.#parts = parts;
  }

  /** Models whose logits an earlier run had made. */
  get remembered(): number {
    return this.#remembered;
  }

  /** Whether a single model's score costs no evaluation: the logits are there, or being made, or were given. */
  get areAtHand(): boolean {
    return (this.#logits ?? this.#parts.given) !== undefined;
  }

  /** The models' logits; N full evaluations on the first call, unless they were given. */
  logits(options: CallOptions = {}): Promise<PoolLogits> {
    if (this.#logits === undefined) {
      const { pool, evaluator, split, given, store, atOnce } = this.#parts;
      this.#remembered = 0;
      const pass =
        given?.(store) ??
        passOfPool(pool, evaluator, split, {
          ...(store && { store }),
          ...(atOnce && { atOnce }),
          onRemembered: () => this.#remembered++,
          ...(options.signal && { signal: options.signal }),
          onProgress: (done) => options.onProgress?.({ phase: phaseOn(split.name, 'cache'), done, total: pool.size }),
        });
      this.#logits = pass;
      // What failed or was aborted can be asked for again.
      pass.catch(() => {
        this.#logits = undefined;
      });
    }
    return this.#logits;
  }

  /** What scores mixtures by the logits. Cost: as `logits`, and one read of them. */
  scorer(options: CallOptions): Promise<ApproxScorer> {
    if (this.#scorer === undefined) {
      const { metric, backend, threads } = this.#parts;
      const { signal } = options;
      const opened = this.logits(options).then((logits) =>
        ApproxScorer.open(logits, { metric, backend, ...(threads && { threads }), ...(signal && { signal }) }),
      );
      this.#scorer = opened;
      // What failed or was aborted can be asked for again.
      opened.catch(() => {
        this.#scorer = undefined;
      });
    }
    return this.#scorer;
  }

  async close(): Promise<void> {
    const scorer = await this.#scorer?.catch(() => undefined);
    scorer?.close();
    await this.#parts.store?.close();
  }
}
