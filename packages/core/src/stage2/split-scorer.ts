import { allOrNone } from '../all-or-none.js';
import { rowsOf, type Split } from '../data/index.js';
import { type LoadedModel, LostEvaluation } from '../evaluator/index.js';
import type { Logits, PoolLogits } from '../logits/index.js';
import { type Metric, MULTI_CLASS, type TaskName } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import type { Checkpoint } from '../pool/index.js';
import { type CallOptions, type Progress, phaseOn } from '../progress.js';
import { type EnsembleScores, type Proposal, type ProposalOptions, proposeCandidates } from '../sampler/index.js';
import {
  PoolPredictions,
  type PoolPredictionsParts,
  type Ranking,
  type RankOptions,
  rankProposal,
} from '../stage1/index.js';
import { type Evaluated, outcome } from './evaluated.js';
import type { EvaluationMemory } from './evaluation-memory.js';
import { KnownEvaluations } from './known-evaluations.js';
import type { MixtureScorer, SoupInParts } from './mixture-scorer.js';
import { type PartTotals, partTotals } from './part-totals.js';
import { PartialEvaluation } from './partial-evaluation.js';
import type { SoupKeys } from './soup-keys.js';
import {
  type EvaluationOptions,
  type ModelEvaluation,
  SplitEvaluation,
  type SplitEvaluationParts,
} from './split-evaluation.js';

export interface SplitScorerParts extends PoolPredictionsParts, SplitEvaluationParts {
  /** What earlier runs evaluated. */
  readonly memory?: EvaluationMemory;
}

/** What cost no forward pass because an earlier run had made it. */
export interface Reused {
  /** Models whose logits were remembered. */
  readonly models: number;
  /** Soups for which all that was asked of them was remembered. */
  readonly evaluations: number;
}

/**
 * Scores mixtures of a pool on one split, approximately from cached logits or for real. Nothing is computed before it is
 * asked for and nothing twice: the N passes are made once, each soup is evaluated once. Both ways share the metric's one
 * code path, so a mixture of one model scores the same in both.
 */
export class SplitScorer implements MixtureScorer {
  readonly #parts: SplitScorerParts;
  readonly #evaluated = new Map<string, Promise<Evaluated>>();
  readonly #partial = new Map<string, Uint8Array>();
  readonly #known: KnownEvaluations;
  readonly #predictions: PoolPredictions;
  readonly #evaluation: SplitEvaluation;

  constructor(parts: SplitScorerParts) {
    this.#parts = parts;
    this.#known = new KnownEvaluations(parts.memory);
    this.#predictions = new PoolPredictions(parts);
    this.#evaluation = new SplitEvaluation(parts);
  }

  /** N. */
  get poolSize(): number {
    return this.#parts.pool.size;
  }

  /** What scores are means over: M, or the number of tokens that count. */
  get samples(): number {
    return rowsOf(this.#parts.split.labels);
  }

  /** What the models predict. */
  get task(): TaskName {
    return this.#parts.split.labels.task ?? MULTI_CLASS.name;
  }

  /** Samples per run of the evaluator. */
  get batch(): number {
    return this.#parts.evaluator.batchOf(this.#parts.split.inputs);
  }

  /** Whether the models' logits cost no pass, as they were computed elsewhere. */
  get hasGivenLogits(): boolean {
    return this.#parts.given !== undefined;
  }

  get wholeOnly(): boolean {
    return this.#parts.evaluator.wholeOnly === true || this.#parts.split.labels.tokens !== undefined;
  }

  /** Bytes of a soup's weights in memory. */
  get weightBytes(): number {
    return this.#parts.evaluator.weightBytes;
  }

  /** How many soups may be open at once. */
  get mostOpen(): number {
    return this.#parts.evaluator.mostOpen ?? Number.POSITIVE_INFINITY;
  }

  /** The samples and labels. */
  get split(): Split {
    return this.#parts.split;
  }

  /** Whether what is evaluated is kept for later runs. */
  get remembers(): boolean {
    return this.#known.remembers;
  }

  /** What evaluations on this split depend on, where any are remembered. */
  get soupKeys(): SoupKeys | undefined {
    return this.#parts.memory?.soups;
  }

  /** What was remembered so far. */
  get reused(): Reused {
    return { models: this.#predictions.remembered, evaluations: this.#known.reused };
  }

  /** What the scores are. */
  get metric(): Metric {
    return this.#parts.metric;
  }

  /** How parts of the split add up. @throws RangeError where the metric is no mean over the samples */
  get partTotals(): PartTotals {
    return partTotals(this.metric, this.samples, this.#parts.split.labels.classes ?? 1);
  }

  /** The cached logits; N full evaluations on the first call, unless they were given. */
  cache(options: CallOptions = {}): Promise<PoolLogits> {
    return this.#predictions.logits(options);
  }

  /** Score of each mixture's averaged logits (RADIN, Eq. 3). */
  async approxScores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<Float64Array> {
    return (await this.#predictions.scorer(options)).scores(mixtures, options);
  }

  /** Candidates as a sampler proposes them, in the order of stage 1. */
  rank(options: RankOptions): Promise<Ranking> {
    return rankProposal(this.poolSize, options, () => this.#predictions.scorer(options));
  }

  async ensemble(options: CallOptions = {}): Promise<EnsembleScores> {
    return (await this.#predictions.scorer(options)).ensemble;
  }

  /** Candidates as samplers propose them by this split's cached logits, all listed and none ranked. */
  async propose(options: ProposalOptions & CallOptions): Promise<Proposal> {
    return proposeCandidates(this.poolSize, options, await this.ensemble(options), options.signal);
  }

  /** Gives back what stage 1 holds. */
  async dispose(): Promise<void> {
    await this.#predictions.close();
  }

  /** Exact score of each single model, from the cached logits. */
  individualScores(options: CallOptions = {}): Promise<Float64Array> {
    const singles = [...Array(this.poolSize).keys()].map((index) => Mixture.uniform(this.poolSize, [index]));
    return this.approxScores(singles, { ...(options.signal && { signal: options.signal }) });
  }

  /** Real score of each mixture's soup: a full evaluation for each that was not evaluated before. */
  async scores(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<number[]> {
    return (await this.evaluations(mixtures, options)).map(({ score }) => score);
  }

  /** As `scores`, with what each soup gets right. */
  async evaluations(mixtures: readonly Mixture[], options: CallOptions = {}): Promise<Evaluated[]> {
    const done = new Float64Array(mixtures.length);
    let best: number | undefined;
    const report = () => {
      const progress: Progress = {
        phase: phaseOn(this.#parts.split.name, 'evaluate'),
        done: done.reduce((sum, fraction) => sum + fraction, 0),
        total: mixtures.length,
      };
      options.onProgress?.(best === undefined ? progress : { ...progress, best });
    };
    return allOrNone(
      mixtures,
      async (mixture, index, signal) => {
        const evaluated = await this.#evaluate(mixture, signal, (fraction) => {
          done[index] = fraction;
          report();
        });
        done[index] = 1;
        best = Math.max(best ?? evaluated.score, evaluated.score);
        report();
        return evaluated;
      },
      options.signal,
    );
  }

  /** As `SplitEvaluation.evaluate`. */
  evaluate(model: Checkpoint, options: EvaluationOptions = {}): Promise<ModelEvaluation> {
    return this.#evaluation.evaluate(model, options);
  }

  /** Shape of a model's outputs: [M, C], of tokens [M, T, C]. */
  outputShape(logits: Logits): number[] {
    return this.#evaluation.outputShape(logits);
  }

  /** The soup with its weights in memory, for an evaluation in parts. */
  openSoup(mixture: Mixture, signal: AbortSignal): Promise<LoadedModel> {
    return this.#evaluation.openSoup(mixture, signal);
  }

  /** The soup, for an evaluation in parts. Samples whose outcome is known by accuracy or top-K are not evaluated again. */
  async openSoupInParts(mixture: Mixture): Promise<SoupInParts> {
    const evaluated = await this.#evaluated.get(mixture.key)?.catch(onlyLost);
    return new PartialEvaluation(this, mixture, evaluated?.correct ?? this.stoppedAt(mixture));
  }

  /**
   * What the soup gets on each of these parts of the split: lists of samples, all but the last of whole batches. What is not
   * remembered is computed from the logits that `run` gives, which is asked once for all such parts, or not at all.
   */
  async scoreParts(
    mixture: Mixture,
    parts: readonly Uint32Array[],
    run: (samples: Uint32Array) => Promise<Logits>,
    signal: AbortSignal,
  ): Promise<Evaluated[]> {
    const found = await this.#known.find(mixture, parts);
    const missing = parts.filter((_, index) => found[index] === undefined);
    if (missing.length === 0) return found as Evaluated[];
    const logits = await this.#known.unlessLost(mixture, signal, () =>
      run(Uint32Array.from(missing.flatMap((samples) => [...samples]))),
    );
    const scored: (readonly [Uint32Array, Evaluated])[] = [];
    let first = 0;
    for (const samples of missing) {
      scored.push([samples, await this.#evaluation.score(rows(logits, first, samples.length), samples, signal)]);
      first += samples.length;
    }
    await this.#known.keep(mixture, scored);
    const computed = new Map(scored);
    return parts.map((samples, index) => found[index] ?? (computed.get(samples) as Evaluated));
  }

  /** Keeps what was found in parts; without a score, `correct` may have samples that are `NOT_EVALUATED`. */
  record(mixture: Mixture, score: number | undefined, correct: Uint8Array | undefined): void {
    if (score !== undefined) {
      this.#evaluated.set(mixture.key, Promise.resolve({ score, ...(correct && { correct }) }));
    } else if (correct !== undefined) this.#partial.set(mixture.key, correct);
  }

  /** What is known of a soup whose evaluation was stopped: 1, 0 or `NOT_EVALUATED` for each sample. */
  stoppedAt(mixture: Mixture): Uint8Array | undefined {
    return this.#partial.get(mixture.key);
  }

  /** A full evaluation, or what an earlier one found. */
  async #evaluateSoup(
    mixture: Mixture,
    options: { signal: AbortSignal; onProgress: (fraction: number) => void },
  ): Promise<Evaluated> {
    const all = Uint32Array.from({ length: this.samples }, (_, sample) => sample);
    const [found] = await this.#known.find(mixture, [all]);
    if (found !== undefined) return found;
    const {
      logits: _,
      reused: __,
      ...evaluated
    } = await this.#known.unlessLost(mixture, options.signal, async () =>
      this.evaluate(await this.#evaluation.soup(mixture, options.signal), options),
    );
    await this.#known.keep(mixture, [[all, evaluated]]);
    return evaluated;
  }

  async #evaluate(mixture: Mixture, signal: AbortSignal, onProgress: (fraction: number) => void): Promise<Evaluated> {
    const known = this.#evaluated.get(mixture.key);
    if (known !== undefined) return known;
    const evaluated =
      mixture.size === 1 && this.#predictions.areAtHand
        ? this.#predictions.scorer({}).then((approx) => outcome(approx, mixture, { ...this.#parts, signal }))
        : this.#evaluateSoup(mixture, { signal, onProgress });
    this.#evaluated.set(mixture.key, evaluated);
    evaluated.catch((error) => {
      // One that is lost would be lost again, and take as long. Where another one's failure ended it, that is the error.
      const isLost = error instanceof LostEvaluation && !signal.aborted;
      if (!isLost) this.#evaluated.delete(mixture.key);
    });
    return evaluated;
  }
}

function onlyLost(error: unknown): undefined {
  if (error instanceof LostEvaluation) throw error;
}

function rows({ values, classes }: Logits, first: number, samples: number): Logits {
  return { values: values.subarray(first * classes, (first + samples) * classes), samples, classes };
}
