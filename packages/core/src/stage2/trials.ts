import { isMean, type Metric } from '../metric/index.js';
import type { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { breakTie } from '../sampler/index.js';
import { chunkSize } from './chunk-size.js';
import { Difficulty } from './difficulty.js';
import { NOT_EVALUATED } from './evaluated.js';
import type { MixtureScorer } from './mixture-scorer.js';
import { estimateFromPart } from './part-estimate.js';
import { partTotals } from './part-totals.js';

/** The best so far. */
export interface Incumbent {
  readonly mixture: Mixture;
  readonly score: number;
}

/** What was found of a soup that was tried against the best so far. */
export interface Trial {
  /** Where all samples were evaluated. */
  readonly score?: number;
  /** The most that the score can be, where the soup was stopped. */
  readonly scoreAtMost?: number;
  /** Samples that a stopped soup was evaluated on. */
  readonly samples?: number;
  /**
   * The score, or, of a soup that cannot win, what it is expected to be after the part that showed it. The same to the bit
   * whether the soup was stopped there or not.
   */
  readonly observed: number;
  /** Samples that were evaluated, in passes over the split. */
  readonly passes: number;
}

/**
 * Evaluates soups one after the other, each against the best so far, samples that it will probably get wrong first, until it
 * can no longer be the best by the order of `selectBest`: the first look after which its score is at most the incumbent's even
 * if all the rest is right (a loss of 0 where losses are added). Exact, since that can only stop losers; in floating point too, where
 * adding a number ≤ 0 never raises a sum. Metrics that are no means over the samples have no such bound: each soup is wholly evaluated.
 */
export class Trials {
  readonly #scorer: MixtureScorer;
  readonly #difficulty: Difficulty;
  readonly #metric: Metric;
  readonly #stops: boolean;
  /** Of the soups that were not beaten before their last sample: 1 for each that is right. */
  readonly #finished = new Map<string, Uint8Array>();

  private constructor(scorer: MixtureScorer, difficulty: Difficulty, metric: Metric, racing: 'exact' | 'off') {
    this.#scorer = scorer;
    this.#difficulty = difficulty;
    this.#metric = metric;
    this.#stops = racing === 'exact';
  }

  /** @param racing `off` evaluates all samples of every soup, in the same batches: the same trials but for `score`, `scoreAtMost` and cost */
  static async of(
    scorer: MixtureScorer,
    metric: Metric,
    racing: 'exact' | 'off',
    options: CallOptions = {},
  ): Promise<Trials> {
    return new Trials(scorer, new Difficulty(await scorer.cache(options), metric), metric, racing);
  }

  /** Cost: at most a pass, and size × M besides. @throws RadinError, the signal's reason when aborted */
  async run(mixture: Mixture, incumbent: Incumbent, options: CallOptions = {}): Promise<Trial> {
    options.signal?.throwIfAborted();
    if (this.#scorer.wholeOnly || !isMean(this.#metric)) {
      const [score] = (await this.#scorer.scores([mixture], signalOf(options))) as [number];
      return { score, observed: score, passes: 1 };
    }
    const { samples } = this.#difficulty;
    const advantages = await this.#difficulty.of(mixture, options.signal);
    const order = this.#order(advantages, await this.#right(incumbent, options.signal));
    const chunks = chunksOf(order, this.#scorer.batch);
    const correct = this.#counts ? new Uint8Array(samples).fill(NOT_EVALUATED) : undefined;
    const totals: number[] = [];
    const soup = await this.#scorer.openSoupInParts(mixture, options);
    try {
      const measure = async (end: number) => {
        const parts = chunks.slice(totals.length, end);
        for (const [at, found] of (await soup.measure(parts, options)).entries()) {
          totals.push(found.total);
          if (correct !== undefined) write(found.correct, parts[at], correct);
        }
      };
      if (!this.#stops) await measure(chunks.length);
      const totalsOfParts = partTotals(this.#metric, samples, this.#difficulty.classes);
      const scoreOf = (got: number, unseen: number) => totalsOfParts.score(got + totalsOfParts.most * unseen);
      const loses = losesTo(incumbent, mixture, scoreOf);
      let [at, total, left] = [0, 0, samples];
      while (left > 0 && !loses(total, left)) {
        let [end, likely, behind] = [at, total, left];
        // Up to where it may lose: the chunks before need no look of their own, and those behind may not be needed.
        do {
          const chunk = chunks[end++] as Uint32Array;
          behind -= chunk.length;
          if (!this.#counts) likely += sum(Array.from(chunk, (sample) => advantages[sample] as number));
        } while (end < chunks.length && !loses(likely, behind));
        if (totals.length < end) await measure(end);
        for (; at < end; at++) {
          // One by one and in order: a sum of losses then has the same bits however many chunks were measured at once.
          total += totals[at] as number;
          left -= (chunks[at] as Uint32Array).length;
        }
      }
      const most = scoreOf(total, left);
      const seen = order.subarray(0, samples - left);
      const part = {
        scoreOf: totalsOfParts.score,
        advantages,
        order,
        seen: seen.length,
        total,
        most,
        ...(correct && { correct }),
      };
      const observed = left === 0 ? most : estimateFromPart(part);
      if (left === 0 && correct !== undefined) this.#finished.set(mixture.key, correct);
      const whole = totals.length === chunks.length;
      const score = whole ? scoreOf(sum(totals), 0) : undefined;
      this.#scorer.record(mixture, score, correct);
      const found = score === undefined ? { scoreAtMost: most, samples: seen.length } : { score };
      return { ...found, observed, passes: whole ? 1 : seen.length / samples };
    } finally {
      await soup.close();
    }
  }

  /** Whether samples are right or wrong. */
  get #counts(): boolean {
    return this.#metric.measure.kind === 'top';
  }

  /** 1 for each sample that the incumbent gets right, as far as that is known, or probably gets right. */
  async #right({ mixture }: Incumbent, signal: AbortSignal | undefined): Promise<ArrayLike<number>> {
    const known = this.#counts ? this.#finished.get(mixture.key) : undefined;
    return known ?? (await this.#difficulty.of(mixture, signal)).map((advantage) => (advantage > 0 ? 1 : 0));
  }

  /** Samples by what the mixture has on them, ascending, those that the incumbent gets wrong moved to the front. */
  #order(advantages: Float64Array, own: ArrayLike<number>): Uint32Array {
    const { samples } = this.#difficulty;
    const finite = advantages.filter(Number.isFinite);
    const shift = this.#counts ? (INCUMBENT_WRONG * finite.reduce((all, a) => all + Math.abs(a), 0)) / samples : 0;
    const keys = advantages.map((advantage, sample) => advantage - (own[sample] === 1 ? 0 : shift));
    return Uint32Array.from(keys.keys()).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  }
}

/** @param scoreOf the score at the end of a soup that gets all there is on the samples that are left */
function losesTo(
  incumbent: Incumbent,
  mixture: Mixture,
  scoreOf: (total: number, left: number) => number,
): (total: number, left: number) => boolean {
  const winsTies = breakTie(incumbent.mixture, mixture) > 0;
  return (total, left) => {
    const most = scoreOf(total, left);
    return most < incumbent.score || (most === incumbent.score && !winsTies);
  };
}

/** How far a sample that the incumbent gets wrong moves to the front, in mean absolute advantages of the samples. */
const INCUMBENT_WRONG = 0.3;

function chunksOf(order: Uint32Array, batch: number): Uint32Array[] {
  const step = chunkSize(order.length, batch);
  return Array.from({ length: Math.ceil(order.length / step) }, (_, chunk) =>
    order.subarray(chunk * step, (chunk + 1) * step),
  );
}

/** Without the progress, which a search counts in soups. */
function signalOf({ signal }: CallOptions): CallOptions {
  return signal ? { signal } : {};
}

function write(bits: Uint8Array | undefined, samples: Uint32Array | undefined, target: Uint8Array): void {
  for (const [row, sample] of (samples ?? []).entries()) target[sample] = bits?.[row] as number;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
