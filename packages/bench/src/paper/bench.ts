import { setMaxListeners } from 'node:events';
import {
  backendNamed,
  type Mixture,
  measureGeometry,
  type PoolFiles,
  proposeCandidates,
  RadinError,
  type WeightGeometry,
} from '@radin/core';
import type { LimitedRun } from '../soups/memory-plan.js';
import type { Outcome } from '../soups/outcome.js';
import { SoupMemory } from '../soups/soup-memory.js';
import { SplitReplay } from '../soups/split-replay.js';
import { readOwnUnion } from '../soups/union.js';
import { countsOf, type ScoredSoup } from './candidates.js';
import { countedProgress } from './counted-progress.js';
import { proposalOf } from './methods.js';
import { CURVE_BUDGET, type PaperChoices } from './options.js';

/** A pool that is to be reported on. */
export interface PaperPool {
  readonly name: string;
  readonly files: PoolFiles;
  /** Of the scores; only `accuracy` is supported. */
  readonly metric: string;
}

export interface PaperEvents {
  onProgress(text: string): void;
  readonly signal?: AbortSignal;
}

/** Soups that are asked for at once. */
const TOGETHER = 32;

/** All methods but the adaptive search evaluate candidates of a seed, or at most as many soups as there are models. */
function limitedRun(
  maxMemory: number,
  models: number,
  { seeds, candidates, budgets, bruteForce }: PaperChoices,
): LimitedRun {
  const soups = seeds * (candidates + Math.max(CURVE_BUDGET, ...budgets)) + models;
  const mixtures = bruteForce ? 2 ** models : 0;
  return { maxMemory, soups: Math.min(soups, 2 ** models), mixtures: soups + mixtures };
}

/** An opened pool with its two splits and the one memory that answers for all searches. */
export class PaperBench {
  private constructor(
    readonly memory: SoupMemory,
    readonly choices: PaperChoices,
    readonly validation: SplitReplay,
    readonly test: SplitReplay | undefined,
    readonly samples: { readonly validation: number; readonly test: number },
    readonly geometry: WeightGeometry,
    /** What measuring it took. */
    readonly geometrySeconds: number,
    readonly signal: AbortSignal | undefined,
    private readonly events: PaperEvents,
  ) {}

  /** @throws RadinError for files that do not fit, and for another metric than accuracy */
  static async open({ files, metric }: PaperPool, choices: PaperChoices, events: PaperEvents): Promise<PaperBench> {
    if (metric !== 'accuracy') {
      throw new RadinError('CONFIG', `Expected a pool whose metric is accuracy for this benchmark but found ${metric}`);
    }
    const union = await readOwnUnion(files);
    const { threads, cache, maxMemory } = choices;
    const signal = events.signal && AbortSignal.any([events.signal]);
    // Every soup that is asked for at once listens.
    if (signal !== undefined) setMaxListeners(0, signal);
    const memory = await SoupMemory.open(files, union, {
      backend: backendNamed('auto'),
      threads,
      cache,
      onPasses: (models) => events.onProgress(`${models} models: caching logits`),
      ...(maxMemory !== undefined && { limit: limitedRun(maxMemory, files.models.length, choices) }),
    });
    try {
      const all = Int32Array.from({ length: union.samples }, (_, sample) => sample);
      const validation = new SplitReplay(memory, all.subarray(0, union.validationSamples));
      const test =
        files.test === undefined ? undefined : new SplitReplay(memory, all.subarray(union.validationSamples), 'true');
      const start = performance.now();
      const { whole } = await measureGeometry(memory.pool.checkpoints, memory.backend);
      const seconds = (performance.now() - start) / 1000;
      const samples = { validation: union.validationSamples, test: union.samples - union.validationSamples };
      return new PaperBench(memory, choices, validation, test, samples, whole, seconds, signal, events);
    } catch (error) {
      await memory.dispose();
      throw error;
    }
  }

  get poolSize(): number {
    return this.memory.pool.size;
  }

  /** The split whose scores are reported. */
  get reported(): 'test' | 'validation' {
    return this.test === undefined ? 'validation' : 'test';
  }

  /** What an evaluation on the test split costs, in passes over the validation samples. */
  get testPasses(): number {
    return this.samples.test / this.samples.validation;
  }

  /** The subsets between one model and all, which the paper draws from, are none in pools of up to two models. */
  get includeUniform(): boolean {
    return this.choices.includeUniform || this.poolSize < 3;
  }

  /** Mean seconds of a pass over the validation samples. */
  get secondsPerEvaluation(): number | null {
    const { validation, test } = this.samples;
    const seconds = this.memory.pace.secondsEach;
    return seconds === undefined ? null : (seconds * validation) / (validation + test);
  }

  settings(seed: number, budget: number) {
    const { includeUniform, geometry, signal } = this;
    const { candidates } = this.choices;
    return { seed, budget, candidates, includeUniform, geometry, ...(signal && { signal }) };
  }

  progress(text: string): void {
    this.events.onProgress(text);
  }

  /** The candidates of one seed with their scores in both stages. Evaluates those that are not remembered. */
  async candidates(seed: number): Promise<ScoredSoup[]> {
    const { mixtures } = await proposeCandidates(
      this.poolSize,
      proposalOf(this.settings(seed, 1)),
      await this.validation.ensemble(),
      this.signal,
    );
    return this.scored(mixtures, `seed ${seed}`);
  }

  async scored(mixtures: readonly Mixture[], what: string): Promise<ScoredSoup[]> {
    const approx = await this.validation.approxScores(mixtures);
    const outcomes = await this.#outcomes(mixtures, what);
    return mixtures.map((mixture, index) => {
      const counts = countsOf(outcomes[index] as Outcome, this.samples.validation);
      return this.scoredSoup(mixture, approx[index] as number, counts);
    });
  }

  scoredSoup(mixture: Mixture, approx: number, counts: { validation: number; test: number }): ScoredSoup {
    const validation = counts.validation / this.samples.validation;
    const test = this.test === undefined ? undefined : counts.test / this.samples.test;
    return { mixture, approx, validation, test, score: test ?? validation };
  }

  async dispose(): Promise<void> {
    await this.validation.dispose();
    await this.test?.dispose();
    await this.memory.dispose();
  }

  async #outcomes(mixtures: readonly Mixture[], what: string): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const told = countedProgress(what, mixtures.length, (text) => this.progress(text));
    for (let start = 0; start < mixtures.length; start += TOGETHER) {
      outcomes.push(...(await this.memory.outcomes(mixtures.slice(start, start + TOGETHER), this.signal)));
      told(outcomes.length);
    }
    return outcomes;
  }
}
