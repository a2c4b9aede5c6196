import type { CacheKey, ContentCache } from '../cache/index.js';
import { rowsOf } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import type { EvaluationRecord, Journal } from '../journal/index.js';
import type { Mixture } from '../mixture/index.js';
import type { Evaluated } from './evaluated.js';
import type { SoupKeys } from './soup-keys.js';
import {
  decodeParts,
  encodeParts,
  isScoreOf,
  mostBytes,
  packBits,
  partName,
  type StoredPart,
  unpackBits,
} from './stored-parts.js';

/** What is known of one soup. */
interface KnownSoup {
  readonly key: CacheKey;
  readonly parts: Map<string, StoredPart>;
  /** The parts that are in the journal. */
  readonly recorded: Set<string>;
  /** Why its evaluation was lost. */
  lost: string | undefined;
  /** The write before, so that the one with the most parts comes last. */
  written: Promise<void>;
}

export interface EvaluationMemoryParts {
  readonly soups: SoupKeys;
  /** What other runs may find. */
  readonly cache?: ContentCache;
  /** The record of this run, which also holds what it takes from the cache. */
  readonly journal?: Journal;
  /** Whether the evaluator may give scores in the place of logits. */
  readonly scoresOnly?: boolean;
}

/**
 * Remembers what soups got on one split, whole passes and parts of them: for each list of samples, which are right, a bit each,
 * or their mean loss. A list stands for its batches too: parts are whole batches of the list that they are taken from. So a
 * race that is run again finds all that it measured, and a search with a larger budget the evaluations of the smaller one.
 *
 * In the cache, one entry per soup, read once and written again with each new part. Where two processes evaluate one soup at the same time,
 * the last to write keeps its parts and the other's are measured again. In the journal, one line per part.
 */
export class EvaluationMemory {
  readonly #parts: EvaluationMemoryParts;
  readonly #soups = new Map<string, Promise<KnownSoup>>();

  constructor(parts: EvaluationMemoryParts) {
    this.#parts = parts;
  }

  get soups(): SoupKeys {
    return this.#parts.soups;
  }

  /** What the mixture's soup got on these samples in this order, where that is known. @throws RadinError where the journal cannot be written */
  async find(mixture: Mixture, samples: Uint32Array): Promise<Evaluated | undefined> {
    const soup = await this.#soup(mixture);
    const name = partName(samples);
    const found = soup.parts.get(name);
    if (found === undefined) return undefined;
    this.#record(mixture, soup, name, found);
    const { score, correct } = found;
    return correct === undefined ? { score } : { score, correct };
  }

  /** Why the soup's evaluation was lost, where the journal says so. */
  async lost(mixture: Mixture): Promise<string | undefined> {
    return (await this.#soup(mixture)).lost;
  }

  /**
   * Stores what was found; when this returns it outlives the process, unless a model's file, or for the cache the disk, has changed.
   * @throws RadinError where the journal cannot be written
   */
  async keep(mixture: Mixture, found: readonly (readonly [Uint32Array, Evaluated])[]): Promise<void> {
    const { soups, cache } = this.#parts;
    const soup = await this.#soup(mixture);
    if (!(await soups.areUnchanged(mixture))) return;
    for (const [samples, evaluated] of found) {
      const name = partName(samples);
      const part = { samples: samples.length, ...evaluated };
      soup.parts.set(name, part);
      this.#record(mixture, soup, name, part);
    }
    const rows = rowsOf(soups.split.labels);
    const writing = soup.written.then(() => cache?.write(soup.key, encodeParts(soup.parts, rows)));
    soup.written = writing;
    await writing;
  }

  /** Notes in the journal that the soup's evaluation was lost, and why. @throws RadinError where it cannot be written */
  async lose(mixture: Mixture, reason: string): Promise<void> {
    const soup = await this.#soup(mixture);
    if (soup.lost !== undefined || this.#parts.journal === undefined) return;
    soup.lost = reason;
    this.#parts.journal.append({ record: 'lost', ...this.#names(mixture, soup), reason });
  }

  #record(mixture: Mixture, soup: KnownSoup, part: string, { samples, score, correct }: StoredPart): void {
    const { journal } = this.#parts;
    if (journal === undefined || soup.recorded.has(part)) return;
    soup.recorded.add(part);
    journal.append({
      record: 'evaluation',
      ...this.#names(mixture, soup),
      samples,
      part,
      score,
      ...(correct && { correct: Buffer.from(packBits(correct)).toString('base64') }),
    });
  }

  #names(mixture: Mixture, { key }: KnownSoup) {
    const { soups } = this.#parts;
    return {
      soup: key.name,
      split: soups.split.name,
      models: soups.ingredients(mixture).map(({ id }) => id),
      weights: mixture.ingredients.map((index) => mixture.weights[index] as number),
    };
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

  async #open(mixture: Mixture): Promise<KnownSoup> {
    const { soups, cache, journal, scoresOnly } = this.#parts;
    const key = await soups.of(mixture);
    const rows = rowsOf(soups.split.labels);
    const stored = await cache?.read(key, mostBytes(rows));
    const parts = (stored && decodeParts(stored, soups.metric, rows, scoresOnly)) ?? new Map<string, StoredPart>();
    const { evaluations = [], lost } = journal?.recorded(key.name) ?? {};
    for (const record of evaluations) parts.set(record.part, this.#partOf(record, rows));
    return {
      key,
      parts,
      recorded: new Set(evaluations.map(({ part }) => part)),
      lost,
      written: Promise.resolve(),
    };
  }

  /** The part that a record holds. @throws RadinError where it cannot be one of this split by this metric */
  #partOf({ samples, score, correct: bits }: EvaluationRecord, rows: number): StoredPart {
    const { soups, scoresOnly, journal } = this.#parts;
    const { metric } = soups;
    const bytes = bits === undefined ? undefined : Buffer.from(bits, 'base64');
    const correct = bytes && bytes.length === Math.ceil(samples / 8) ? unpackBits(bytes, samples) : undefined;
    const isCounted = metric.measure.kind === 'top' && !(bits === undefined && scoresOnly);
    const isOne = isCounted ? correct !== undefined && isScoreOf(correct, score, metric) : bits === undefined;
    if (isOne && samples >= 1 && samples <= rows) return { samples, score, ...(correct && { correct }) };
    throw new RadinError(
      'FORMAT',
      `Expected evaluations that can be of ${rows} samples by ${metric.name} but found another one in ${journal?.path}: another --out or --restart begins anew`,
    );
  }
}
