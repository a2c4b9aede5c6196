import { availableParallelism } from 'node:os';
import { LostEvaluation } from '../evaluator/index.js';
import type { Logits } from '../logits/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { chunkSize } from './chunk-size.js';
import { type Evaluated, NOT_EVALUATED } from './evaluated.js';
import { OpenSoups } from './open-soups.js';
import type { Outcome, Track } from './race.js';
import type { RacingOrder } from './racing-order.js';
import type { SplitScorer } from './split-scorer.js';
import type { StatisticalTrack } from './statistical-race.js';

/** Weights that soups may keep in memory between their chunks, in bytes. */
const OPEN_BYTES = 2 ** 30;
/** Soups that are open at once even if they are larger: as few would leave threads idle while one is averaged. */
const LEAST_OPEN = 4;

/** The soups of a race on one split. A chunk is some whole batches of the order, so batches are the same in every race. */
export class SoupTrack {
  readonly #correct: readonly Uint8Array[];
  readonly #scorer: SplitScorer;
  readonly #mixtures: readonly Mixture[];
  readonly #order: RacingOrder;
  readonly #options: CallOptions;
  readonly #soups: OpenSoups;
  /** Scores of single models, which their cached logits tell. */
  readonly #known: ReadonlyMap<number, number>;
  /** Place in the order where each chunk begins, and the end of the last. */
  readonly #bounds: readonly number[];
  /** Chunks measured of each contender, and what it got in them. */
  readonly #measured: number[];
  readonly #totals: number[];
  /** Why the evaluation of a contender was lost. */
  readonly #failed = new Map<number, string>();
  #evaluated = 0;

  private constructor(
    scorer: SplitScorer,
    mixtures: readonly Mixture[],
    order: RacingOrder,
    known: ReadonlyMap<number, number>,
    correct: readonly Uint8Array[],
    options: CallOptions,
  ) {
    this.#scorer = scorer;
    this.#mixtures = mixtures;
    this.#order = order;
    this.#known = known;
    this.#correct = correct;
    this.#options = options;
    const { batch, weightBytes, mostOpen } = scorer;
    const limit = Math.min(mostOpen, Math.max(LEAST_OPEN, Math.floor(OPEN_BYTES / Math.max(1, weightBytes))));
    // One task for each core keeps all busy: more would wait for threads with logits and weights in memory.
    const tasks = Math.min(limit, Math.max(LEAST_OPEN, availableParallelism()));
    this.#soups = new OpenSoups(limit, tasks, (mixture, signal) => scorer.openSoup(mixture, signal));
    const step = chunkSize(scorer.samples, batch);
    const chunks = Math.ceil(scorer.samples / step);
    this.#measured = mixtures.map((_, index) => (known.has(index) ? chunks : 0));
    this.#totals = mixtures.map(() => 0);
    this.#bounds = Array.from({ length: chunks + 1 }, (_, chunk) => Math.min(chunk * step, scorer.samples));
  }

  static async open(
    scorer: SplitScorer,
    mixtures: readonly Mixture[],
    order: RacingOrder,
    options: CallOptions,
  ): Promise<SoupTrack> {
    const singles = [...mixtures.entries()].filter(([, { size }]) => size === 1);
    const found = await scorer.evaluations(
      singles.map(([, mixture]) => mixture),
      options.signal ? { signal: options.signal } : {},
    );
    const known = new Map(singles.map(([index], at) => [index, found[at]?.score as number]));
    const correct = mixtures.map(() => new Uint8Array(scorer.samples).fill(NOT_EVALUATED));
    for (const [at, [index]] of singles.entries()) correct[index]?.set(found[at]?.correct ?? []);
    return new SoupTrack(scorer, mixtures, order, known, correct, options);
  }

  /** Samples evaluated so far, over all soups. */
  get samplesEvaluated(): number {
    return this.#evaluated;
  }

  /** Samples of the first chunks. */
  samplesOf(chunks: number): number {
    return this.#bounds[chunks] as number;
  }

  /** 1 for each sample that the contender gets right, 0 for the others, `NOT_EVALUATED` where it was stopped before; undefined for losses. */
  correct(contender: number): Uint8Array | undefined {
    return this.#scorer.metric.measure.kind === 'top' ? this.#correct[contender] : undefined;
  }

  /** Why the contender has no score, where its evaluation was lost. */
  failure(contender: number): string | undefined {
    return this.#failed.get(contender);
  }

  get exact(): Track {
    const { most, score } = this.#scorer.partTotals;
    const sizes = this.#sizes;
    const { expectedMisses } = this.#order;
    return {
      contenders: this.#mixtures.length,
      most: sizes.map((size) => most * size),
      expectedMisses: sizes.map((_, chunk) =>
        expectedMisses.subarray(this.#bounds[chunk], this.#bounds[chunk + 1]).reduce((sum, miss) => sum + miss, 0),
      ),
      known: this.#known,
      score,
      measure: (contender, first, end, signal) => this.#measure(contender, first, end, signal),
    };
  }

  /** What is known of the contenders, for a race that was stopped before its end. */
  get soFar(): Pick<Outcome, 'measured' | 'scores'> {
    const { most, score } = this.exact;
    const scores = this.#totals.map((total, index) => {
      const left = most.slice(this.#measured[index]).reduce((sum, part) => sum + part, 0);
      return this.#known.get(index) ?? score(total + left);
    });
    return { measured: this.#measured, scores };
  }

  get statistical(): StatisticalTrack {
    const { metric, samples } = this.#scorer;
    return {
      contenders: this.#mixtures.length,
      sizes: this.#sizes,
      score: (correct) => metric.score(correct, samples),
      measure: async (contender, first, end, signal) => {
        if (!this.#known.has(contender)) await this.#measure(contender, first, end, signal);
        const places = this.#places(first, end);
        if (this.#failed.has(contender)) return new Uint8Array(places.length);
        return Uint8Array.from(places, (sample) => this.#correct[contender]?.[sample] as number);
      },
    };
  }

  async close(): Promise<void> {
    await this.#soups.close();
  }

  get #sizes(): number[] {
    return this.#bounds.slice(1).map((end, chunk) => end - (this.#bounds[chunk] as number));
  }

  /** The samples of the chunks [first, end). */
  #places(first: number, end: number): Uint32Array {
    return this.#order.samples.subarray(this.#bounds[first], this.#bounds[end]);
  }

  /** What the contender gets in each of the chunks (`PartTotals`); where its evaluation is lost, less than all others. */
  async #measure(contender: number, first: number, end: number, signal: AbortSignal): Promise<number[]> {
    const parts = Array.from({ length: end - first }, (_, at) => this.#places(first + at, first + at + 1));
    const mixture = this.#mixtures[contender] as Mixture;
    const run = (samples: Uint32Array) => this.#soups.use(mixture, signal, (soup) => soup.logits(samples, { signal }));
    const scored = this.#failed.has(contender) ? undefined : await this.#score(contender, parts, run, signal);
    if (scored === undefined) {
      this.#totals[contender] = Number.NEGATIVE_INFINITY;
      this.#measured[contender] = end;
      return parts.map(() => Number.NEGATIVE_INFINITY);
    }
    const { of } = this.#scorer.partTotals;
    const totals = scored.map((part, at) => {
      const samples = parts[at] as Uint32Array;
      for (const [place, bit] of part.correct?.entries() ?? []) {
        (this.#correct[contender] as Uint8Array)[samples[place] as number] = bit;
      }
      return of(part, samples.length);
    });
    for (const total of totals) this.#totals[contender] = (this.#totals[contender] as number) + total;
    this.#measured[contender] = end;
    this.#evaluated += parts.reduce((sum, { length }) => sum + length, 0);
    this.#options.onProgress?.({
      phase: 'evaluate',
      done: this.#evaluated / this.#scorer.samples,
      total: this.#mixtures.length,
    });
    return totals;
  }

  /** Undefined where the evaluation is lost: the race goes on without the contender. */
  async #score(
    contender: number,
    parts: readonly Uint32Array[],
    run: (samples: Uint32Array) => Promise<Logits>,
    signal: AbortSignal,
  ): Promise<Evaluated[] | undefined> {
    try {
      return await this.#scorer.scoreParts(this.#mixtures[contender] as Mixture, parts, run, signal);
    } catch (error) {
      if (!(error instanceof LostEvaluation)) throw error;
      this.#failed.set(contender, error.message);
      return undefined;
    }
  }
}
