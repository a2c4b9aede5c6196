import type { Interval } from '@radin/core';
import type { Environment } from '../result.js';

/** Changes with anything that a reader of older files would not expect. */
export const PAPER_SCHEMA = 'radin-paper-1';

/**
 * The paper's tables and figures for one pool: `paper.json`, from which every table, chart and page is made. Scores are
 * fractions in [0, 1].
 */
export interface PaperResult {
  readonly experiment: 'paper';
  readonly schema: typeof PAPER_SCHEMA;
  readonly environment: Environment;
  readonly pool: PaperPoolFacts;
  readonly settings: PaperSettings;
  /** The split that statistics and figures report: `validation` where the pool has no other. */
  readonly reported: 'test' | 'validation';
  readonly cost: PaperCost;
  /** Table 1: methods at budgets, over the seeds. */
  readonly rows: readonly PaperRow[];
  /** Each search of the table. */
  readonly runs: readonly PaperRun[];
  /** Figs. 2, 3, 5: the candidates of each seed, listed for the first seed at least. */
  readonly seeds: readonly SeedCandidates[];
  /** Over all different candidates of all seeds. */
  readonly pooled: PooledCandidates;
  /** Fig. 3: by the place that the estimate gives a candidate, over the seeds. */
  readonly ranks: readonly RankScores[];
  /** Fig. 4. */
  readonly curves: readonly BudgetCurve[];
  /** Fig. 6: the candidates of all seeds by their number of models. */
  readonly sizes: readonly SizeScores[];
  /** Where the real scores of all 2^N − 1 subsets are known. */
  readonly allSubsets?: AllSubsetsResult;
  /** What the reader should know. */
  readonly notices: readonly string[];
}

interface PaperPoolFacts {
  readonly name: string;
  /** Of the bytes of all its files. */
  readonly content: string;
  readonly models: readonly string[];
  readonly classes: number;
  readonly metric: 'accuracy';
  readonly samples: { readonly validation: number; readonly test?: number };
}

interface PaperSettings {
  readonly budgets: readonly number[];
  /** Seeds 0, 1, … of the candidates. */
  readonly seeds: number;
  readonly candidates: number;
  readonly includeUniform: boolean;
  /** λ of `radin-prior`. */
  readonly lambda: number;
  /** Largest budget of Fig. 4. */
  readonly curveBudget: number;
  /** Of every interval. */
  readonly confidence: number;
}

interface PaperCost {
  /** Different soups whose real scores the results rest on, those of all subsets left out. */
  readonly soups: number;
  /** Those that this run evaluated; the others were remembered. */
  readonly evaluated: number;
  readonly threads: number;
  /** Mean of one pass over the validation samples, averaging included, in seconds; scaled by samples from passes over both splits. */
  readonly secondsPerEvaluation: number | null;
  /** How many evaluations that is the mean of. */
  readonly measured: number;
  /** One read of all weights, which adaptive learns by: part of its stage 1. */
  readonly geometrySeconds: number;
}

export const PAPER_METHODS = [
  'best-individual',
  'uniform',
  'logit-ensemble',
  'greedy',
  'greedy-better',
  'greedy-ascending',
  'radin',
  'radin-prior',
  'adaptive',
  'oracle',
  'best-subset',
  'oracle-subset',
] as const;

export type PaperMethod = (typeof PAPER_METHODS)[number];

export interface Spread {
  readonly mean: number;
  /** Standard deviation over the seeds, 0 where there is one run. */
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
}

/** One method at one budget, over the seeds; `budget` null where the method has none. */
export interface PaperRow {
  readonly method: PaperMethod;
  readonly budget: number | null;
  /** Runs that the spreads are of: 1 for a method that draws nothing. */
  readonly runs: number;
  readonly models: Spread;
  readonly validation: Spread;
  readonly test?: Spread;
  /** Wilson's, of the mean score on the reported split. */
  readonly interval: Interval;
  /** Validation minus test. */
  readonly gap?: Spread;
  readonly evaluations: Spread;
  /** Full forward passes over the validation samples, those that cache the models' logits among them. */
  readonly passes: Spread;
  /** Of stage 1, measured: everything but evaluations, the fastest of three searches. */
  readonly stage1Seconds: Spread;
  /** Passes times the mean measured time of one. */
  readonly evaluationSeconds: number | null;
  readonly versusBestIndividual?: SignificantRuns;
  readonly versusGreedy?: SignificantRuns;
}

/** In how many runs McNemar's exact p is below 0.05, and for whom. */
export interface SignificantRuns {
  readonly better: number;
  readonly worse: number;
  readonly neither: number;
}

export interface PaperRun {
  readonly method: PaperMethod;
  readonly budget: number | null;
  readonly seed: number | null;
  /** Indices of the soup's models in the pool. */
  readonly models: readonly number[];
  /** Their weights where these differ. */
  readonly weights?: readonly number[];
  readonly validation: number;
  readonly test?: number;
  readonly validationInterval: Interval;
  readonly testInterval?: Interval;
  readonly evaluations: number;
  readonly passes: number;
  readonly stage1Seconds: number;
  /** Against the others at the same budget, on the reported split; absent for the others themselves. */
  readonly versusBestIndividual?: Discordance;
  readonly versusGreedy?: Discordance;
}

/** Samples that only this soup, or only the other gets right, and McNemar's exact two-sided p. */
export interface Discordance {
  readonly onlyThis: number;
  readonly onlyOther: number;
  readonly p: number;
}

export interface Correlation extends Interval {
  /** Null where one side does not vary. */
  readonly rho: number | null;
  readonly p: number | null;
}

export interface CandidateScores {
  readonly models: readonly number[];
  /** Of the averaged logits on validation (RADIN, Eq. 3). */
  readonly approx: number;
  readonly validation: number;
  readonly test?: number;
}

/** Soups of more than N / 2 models against the rest. */
export interface SizeTest {
  /** The most models that count as few. */
  readonly few: number;
  readonly counts: { readonly few: number; readonly many: number };
  readonly means: { readonly few: number; readonly many: number };
  /** Of the soups of many models. */
  readonly u: number;
  readonly p: number | null;
  /** How often one of many models scores higher than one of few, ties counted half. */
  readonly superiority: number;
  readonly method: 'exact' | 'asymptotic';
}

export interface SeedCandidates {
  readonly seed: number;
  readonly count: number;
  /** Spearman of estimate and real score on the reported split. */
  readonly withoutPrior: Correlation;
  readonly withPrior: Correlation;
  /** Absent where one side is empty. */
  readonly sizeTest?: SizeTest;
  /** In the order in which they were drawn. */
  readonly candidates?: readonly CandidateScores[];
}

export interface PooledCandidates {
  readonly count: number;
  readonly withoutPrior: Correlation;
  readonly withPrior: Correlation;
  /** Of ρ over the seeds that have one; null where none has. */
  readonly rhoWithoutPrior: Spread | null;
  readonly rhoWithPrior: Spread | null;
  readonly sizeTest?: SizeTest;
}

export interface RankScores {
  readonly rank: number;
  readonly withoutPrior: Spread;
  readonly withPrior: Spread;
}

export interface BudgetCurve {
  readonly method: PaperMethod;
  readonly points: readonly {
    readonly budget: number;
    readonly validation: Spread;
    readonly test?: Spread;
    readonly passes: number;
  }[];
}

export interface SizeScores {
  readonly models: number;
  readonly count: number;
  readonly mean: number;
  readonly lower: number;
  readonly firstQuartile: number;
  readonly median: number;
  readonly thirdQuartile: number;
  readonly upper: number;
}

export interface AllSubsetsResult {
  readonly count: number;
  readonly withoutPrior: Correlation;
  readonly withPrior: Correlation;
  readonly sizeTest?: SizeTest;
  readonly sizes: readonly SizeScores[];
}
