import type { Backend } from '@radin/native';
import { allOrNone } from '../all-or-none.js';
import { checkLabels, type Split } from '../data/index.js';
import { type Evaluator, passOfPool } from '../evaluator/index.js';
import type { Logits, PoolLogits } from '../logits/index.js';
import { poolLogits, storedInMemory } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import { Mixture, Soup } from '../mixture/index.js';
import type { Checkpoint, Pool } from '../pool/index.js';
import type { CallOptions, Progress } from '../progress.js';
import { ApproxScorer, type Ranking, type RankOptions, rankProposal } from '../stage1/index.js';
import type { MixtureScorer } from './mixture-scorer.js';

export interface SplitScorerParts {
  readonly pool: Pool;
  readonly split: Split;
  readonly evaluator: Evaluator;
  readonly backend: Backend;
  readonly metric: Metric;
  /** Threads of stage 1. */
  readonly threads?: number;
}

/**
 * Scores mixtures of a pool on one split, approximately from cached logits or for real. Nothing is computed before it is
 * asked for and nothing twice: the N passes are made once, each soup is evaluated once. Both ways share the metric's one
 * code path, so a mixture of one model scores the same in both.
 */
export class SplitScorer implements MixtureScorer {
  readonly #parts: SplitScorerParts;
  readonly #scores = new Map<string, Promise<number>>();
  #cache: Promise<PoolLogits> | undefined;
  #approx: Promise<ApproxScorer> | undefined;

  constructor(parts: SplitScorerParts) {
    this.#parts = parts;
  }

  /** N. */
  get poolSize(): number {
    return this.#parts.pool.size;
  }

  /** The cached logits; N full evaluations on the first call. */
  cache(options: CallOptions = {}): Promise<PoolLogits> {
    const { pool, evaluator, split } = this.#parts;
    if (this.#cache === undefined) {
      const pass = passOfPool(pool, evaluator, split, {
        ...(options.signal && { signal: options.signal }),
        onProgress: (done) => options.onProgress?.({ phase: this.#phase('cache'), done, total: pool.size }),
      });
      this.#cache = pass;
      // What failed or was aborted can be asked for again.
      pass.catch(() => {
        this.#cache = undefined;
      });
    }
    return this.#cache;
  }

  /** Score of each mixture's averaged logits (RADIN, Eq. 3). */
  async approxScores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<Float64Array> {
    return (await this.#approxScorer(options)).scores(mixtures, options);
  }

  /** Candidates as a sampler proposes them, in the order of stage 1. */
  rank(options: RankOptions): Promise<Ranking> {
    return rankProposal(this.poolSize, options, () => this.#approxScorer(options));
  }

  /** Gives back what stage 1 holds. */
  async dispose(): Promise<void> {
    const approx = await this.#approx?.catch(() => undefined);
    approx?.close();
  }

  /** Exact score of each single model, from the cached logits. */
  individualScores(options: CallOptions = {}): Promise<Float64Array> {
    const singles = [...Array(this.poolSize).keys()].map((index) => Mixture.uniform(this.poolSize, [index]));
    return this.approxScores(singles, { ...(options.signal && { signal: options.signal }) });
  }

  /** Real score of each mixture's soup: a full evaluation for each that was not evaluated before. */
  async scores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<number[]> {
    const done = new Float64Array(mixtures.length);
    let best: number | undefined;
    const report = () => {
      const progress: Progress = {
        phase: this.#phase('evaluate'),
        done: done.reduce((sum, fraction) => sum + fraction, 0),
        total: mixtures.length,
      };
      options.onProgress?.(best === undefined ? progress : { ...progress, best });
    };
    return allOrNone(
      mixtures,
      async (mixture, index, signal) => {
        const score = await this.#score(mixture, signal, (fraction) => {
          done[index] = fraction;
          report();
        });
        done[index] = 1;
        best = Math.max(best ?? score, score);
        report();
        return score;
      },
      options.signal,
    );
  }

  /** Real logits of any checkpoint of the pool's layout and their score: one full evaluation, not remembered. */
  async evaluate(
    model: Checkpoint,
    options: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {},
  ): Promise<{ logits: Logits; score: number }> {
    const { split, evaluator } = this.#parts;
    const logits = await evaluator.logits(model, split.inputs, {
      ...(options.signal && { signal: options.signal }),
      onProgress: (samples) => options.onProgress?.(samples / split.samples),
    });
    checkLabels(split.labels, logits.classes);
    const alone = await ApproxScorer.open(
      poolLogits([model.id], [storedInMemory(logits)], split.labels.values),
      this.#stage1,
    );
    try {
      const [score] = await alone.scores([Mixture.uniform(1, [0])]);
      return { logits, score: score as number };
    } finally {
      alone.close();
    }
  }

  get #stage1() {
    const { metric, backend, threads } = this.#parts;
    return { metric, backend, ...(threads && { threads }) };
  }

  #approxScorer(options: CallOptions): Promise<ApproxScorer> {
    if (this.#approx === undefined) {
      const { signal } = options;
      const opened = this.cache(options).then((cache) =>
        ApproxScorer.open(cache, { ...this.#stage1, ...(signal && { signal }) }),
      );
      this.#approx = opened;
      // What failed or was aborted can be asked for again.
      opened.catch(() => {
        this.#approx = undefined;
      });
    }
    return this.#approx;
  }

  async #score(mixture: Mixture, signal: AbortSignal, onProgress: (fraction: number) => void): Promise<number> {
    const known = this.#scores.get(mixture.key);
    if (known !== undefined) return known;
    const { pool, backend } = this.#parts;
    const score =
      mixture.size === 1 && this.#cache !== undefined
        ? this.approxScores([mixture]).then(([exact]) => exact as number)
        : this.evaluate(new Soup(pool, mixture, backend), { signal, onProgress }).then((result) => result.score);
    this.#scores.set(mixture.key, score);
    score.catch(() => this.#scores.delete(mixture.key));
    return score;
  }

  #phase(phase: 'cache' | 'evaluate'): Progress['phase'] {
    return this.#parts.split.name === 'test' ? 'test' : phase;
  }
}
