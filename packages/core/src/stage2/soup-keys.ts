import { type CacheKey, cacheKey, type KeyParts } from '../cache/index.js';
import { elementsSha256, labelsKeyParts, type Split } from '../data/index.js';
import type { LogitsKeys } from '../evaluator/index.js';
import type { Metric } from '../metric/index.js';
import { AVERAGING_VERSION, type Mixture } from '../mixture/index.js';
import type { Checkpoint, Pool } from '../pool/index.js';

/** To be raised with any change after which the same logits may give another score, or another set of right samples. */
const VERSION = 2;

export interface SoupKeysParts {
  readonly keys: LogitsKeys;
  readonly pool: Pool;
  readonly split: Split;
  readonly metric: Metric;
  /** What besides averaging makes the soups: those that are made otherwise are others. */
  readonly preparation?: string;
}

/** Keys of what soups get on one split: all that their evaluations depend on. */
export class SoupKeys {
  readonly #parts: SoupKeysParts;
  #shared: Promise<KeyParts> | undefined;

  constructor(parts: SoupKeysParts) {
    this.#parts = parts;
  }

  get split(): Split {
    return this.#parts.split;
  }

  get metric(): Metric {
    return this.#parts.metric;
  }

  /** What is the same for all soups. Cost: hashes the inputs on the first call. */
  shared(): Promise<KeyParts> {
    this.#shared ??= this.#share();
    return this.#shared;
  }

  /** Cost: one read of each ingredient that was not hashed before. */
  async of(mixture: Mixture): Promise<CacheKey> {
    const { contents } = this.#parts.keys;
    const { ingredients: members, weights, uniform } = mixture;
    return cacheKey('evaluations', {
      ...(await this.shared()),
      // In the order in which they are added up.
      ingredients: await Promise.all(this.ingredients(mixture).map((model) => contents.sha256(model))),
      weights: uniform ? 'uniform' : members.map((index) => weights[index] as number),
    });
  }

  ingredients(mixture: Mixture): Checkpoint[] {
    return mixture.ingredientsOf(this.#parts.pool.checkpoints);
  }

  /** Whether no ingredient's file was written to since it was hashed. */
  async areUnchanged(mixture: Mixture): Promise<boolean> {
    const { contents } = this.#parts.keys;
    for (const model of this.ingredients(mixture)) if (!(await contents.isUnchanged(model))) return false;
    return true;
  }

  async #share(): Promise<KeyParts> {
    const { keys, split, metric, preparation } = this.#parts;
    const { groups } = split.labels;
    const { source } = metric;
    return {
      ...(await keys.run(split.inputs)),
      averaging: AVERAGING_VERSION,
      scoring: VERSION,
      ...(await labelsKeyParts(split.labels)),
      ...(groups && { groups: await elementsSha256(groups) }),
      metric: metric.name,
      ...(preparation !== undefined && { preparation }),
      ...(source !== undefined && { source }),
    };
  }
}
