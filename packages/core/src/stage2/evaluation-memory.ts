import { type CacheKey, type ContentCache, cacheKey, type KeyParts, sha256 } from '../cache/index.js';
import { type Labels, rowsOf, type Split } from '../data/index.js';
import type { LogitsKeys } from '../evaluator/index.js';
import type { Metric } from '../metric/index.js';
import { AVERAGING_VERSION, type Mixture } from '../mixture/index.js';
import type { Checkpoint, Pool } from '../pool/index.js';
import type { Evaluated } from './evaluated.js';
import { decodeParts, encodeParts, mostBytes, partName, type StoredPart } from './stored-parts.js';

/** To be raised with any change after which the same logits may give another score, or another set of right samples. */
const VERSION = 2;

/** What is known of one soup. */
interface KnownSoup {
  readonly key: CacheKey;
  readonly ingredients: readonly Checkpoint[];
  readonly parts: Map<string, StoredPart>;
  /** The write before, so that the one with the most parts comes last. */
  written: Promise<void>;
}

export interface EvaluationMemoryParts {
  readonly cache: ContentCache;
  readonly keys: LogitsKeys;
  readonly pool: Pool;
  readonly split: Split;
  readonly metric: Metric;
  /** Whether the evaluator may give scores in the place of logits. */
  readonly scoresOnly?: boolean;
  /** What besides averaging makes the soups: those that are made otherwise are others. */
  readonly preparation?: string;
}

/**
 * Remembers what soups got on one split, whole passes and parts of them: for each list of samples, which are right, a bit each,
 * or their mean loss. A list stands for its batches too: parts are whole batches of the list that they are taken from. So a
 * race that is run again finds all that it measured, and a search with a larger budget the evaluations of the smaller one.
 *
 * One entry per soup, read once and written again with each new part. Where two processes evaluate one soup at the same time,
 * the last to write keeps its parts and the other's are measured again.
 */
export class EvaluationMemory {
  readonly #parts: EvaluationMemoryParts;
  readonly #soups = new Map<string, Promise<KnownSoup>>();
  #labels: Promise<string> | undefined;

  constructor(parts: EvaluationMemoryParts) {
    this.#parts = parts;
  }

  /** What the mixture's soup got on these samples in this order, where that is known. */
  async find(mixture: Mixture, samples: Uint32Array): Promise<Evaluated | undefined> {
    const found = (await this.#soup(mixture)).parts.get(partName(samples));
    if (found === undefined) return undefined;
    const { score, correct } = found;
    return correct === undefined ? { score } : { score, correct };
  }

  /** Stores what was found; on disk when this returns, unless the disk or a model's file has changed. */
  async keep(mixture: Mixture, found: readonly (readonly [Uint32Array, Evaluated])[]): Promise<void> {
    const { cache, keys, split } = this.#parts;
    const soup = await this.#soup(mixture);
    for (const model of soup.ingredients) if (!(await keys.contents.isUnchanged(model))) return;
    for (const [samples, evaluated] of found) {
      soup.parts.set(partName(samples), { samples: samples.length, ...evaluated });
    }
    const writing = soup.written.then(() => cache.write(soup.key, encodeParts(soup.parts, rowsOf(split.labels))));
    soup.written = writing;
    await writing;
  }

  #soup(mixture: Mixture): Promise<KnownSoup> {
    const known = this.#soups.get(mixture.key);
    if (known !== undefined) return known;
    const opened = this.#open(mixture);
    this.#soups.set(mixture.key, opened);
    // What failed can be asked for again.
    opened.catch(() => this.#soups.delete(mixture.key));
    return opened;
  }

  async #open({ ingredients: members, weights, uniform }: Mixture): Promise<KnownSoup> {
    const { cache, keys, pool, split, metric, scoresOnly, preparation } = this.#parts;
    const ingredients = members.map((index) => pool.checkpoints[index] as Checkpoint);
    this.#labels ??= hashOf(split.labels.values);
    const key = cacheKey('evaluations', {
      ...(await keys.run(split.inputs)),
      averaging: AVERAGING_VERSION,
      scoring: VERSION,
      // In the order in which they are added up.
      ingredients: await Promise.all(ingredients.map((model) => keys.contents.sha256(model))),
      weights: uniform ? 'uniform' : members.map((index) => weights[index] as number),
      labels: await this.#labels,
      metric: metric.name,
      ...(preparation !== undefined && { preparation }),
      ...(await this.#more(split.labels)),
    });
    const rows = rowsOf(split.labels);
    const stored = await cache.read(key, mostBytes(rows));
    const parts = (stored && decodeParts(stored, metric, rows, scoresOnly)) ?? new Map<string, StoredPart>();
    return { key, ingredients, parts, written: Promise.resolve() };
  }

  /** What else scores depend on, where labels or metrics are other than classes and what they are counted by. */
  async #more({ task, targets, tokens, groups }: Labels): Promise<KeyParts> {
    const { source } = this.#parts.metric;
    return {
      ...(task && { task }),
      ...(targets && { targets: await hashOf(targets) }),
      ...(tokens && { tokens: [tokens.positions, await hashOf(tokens.places)] }),
      ...(groups && { groups: await hashOf(groups) }),
      ...(source !== undefined && { source }),
    };
  }
}

function hashOf(values: Int32Array | Float64Array): Promise<string> {
  return sha256(new Uint8Array(values.slice().buffer));
}
