import { isSum } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { Random, STREAMS } from '../random.js';
import { type EnsembleScores, secondsToScore } from '../sampler/index.js';
import { type Inclusion, inclusionOfCandidates, inclusionOfSubsets } from './inclusion.js';
import { type PairInteraction, sampledInteractions } from './sampled-interactions.js';
import { type SampledShapley, sampledShapley, subsetsOfPair } from './sampled-shapley.js';
import { emptyScore, exactShapley } from './shapley.js';
import { PARTS, type ShapleyOnParts, shapleyOnParts } from './shapley-on-parts.js';
import { everySubset, scoreOf } from './subset-scores.js';

export interface EnsembleExplanationOptions {
  /** Largest N for which all 2^N subsets are scored; no metric takes more than 24. */
  readonly exactUpTo: number;
  /** What sampling may cost, as an estimate of seconds and not a clock, so that results do not depend on the machine. */
  readonly seconds: number;
  readonly seed: number;
  /** Whether interactions of pairs are sampled where they cannot be exact. */
  readonly samplePairs: boolean;
  /** Models of which pairs are sampled first: the ingredients of the chosen soup. */
  readonly chosen?: readonly number[];
  /** Scored candidates, among which inclusion is counted where not all subsets are scored. */
  readonly candidates: readonly { readonly mixture: Mixture; readonly approxScore: number }[];
  readonly signal?: AbortSignal;
}

/** What each model and each pair is worth to the ensemble, the average of all models' logits; in the metric's unit. */
export interface EnsembleExplanation {
  /** From the scores of all subsets, or estimated from some. */
  readonly method: 'exact' | 'sampled';
  /** Subsets that were scored. */
  readonly subsets: number;
  /** Samples on which values were estimated, where all would have taken too long. */
  readonly samples?: number;
  /** v(all). */
  readonly all: number;
  /** v(∅), see `emptyScore`. */
  readonly empty: number;
  /** Shape [N]: the models alone. */
  readonly singles: Float64Array;
  /** Shape [N]: Shapley values, which add up to v(all) − v(∅). */
  readonly shapley: Float64Array;
  /** Shape [N]: their standard errors, where sampled. */
  readonly shapleyErrors?: Float64Array;
  /** Shape [N]: v(all) − v(all \ k); of a pool of one model v(all) − v(∅). */
  readonly leaveOneOut: Float64Array;
  /** Shape [N]: their standard errors, where they were estimated on some of the samples. */
  readonly leaveOneOutErrors?: Float64Array;
  readonly inclusion: Inclusion;
  /** Interactions, the largest first: of all pairs, or of those that were sampled. */
  readonly pairs: readonly PairInteraction[];
}

const MOST_MODELS = 24;
/** Of scores that are not counted from a bank, 2^N are listed. */
const MOST_LISTED = 16;
const MOST_SUBSETS = 50_000;
/** Models whose pairs are sampled: 28 pairs. */
const SAMPLED_MODELS = 8;
const LEAST_DRAWS = 8;
/** Samples of a part at least, and the seconds that taking one logit out of all takes, which the bank then reads again. */
const LEAST_SAMPLES = 32;
const COPYING = 3e-9;

/**
 * Explains the ensemble by stage 1's scores alone, without a forward pass. Exact up to `exactUpTo` models: all subsets of 16
 * take 0.05 s, of 20 0.4 s, of 24 8 s, where hardly a sample is decided (2,000 samples, 2 cores); cross-entropy only as far
 * as `seconds` allow. Beyond, values are sampled within `seconds`: by permutations on all samples, or, where that is too little for
 * two pairs of them, on some of the samples.
 */
export async function explainEnsemble(
  ensemble: EnsembleScores,
  singles: Float64Array,
  options: EnsembleExplanationOptions,
): Promise<EnsembleExplanation> {
  const empty = emptyScore(singles);
  return canScoreAll(ensemble, options)
    ? exact(ensemble, singles, empty, options)
    : sampled(ensemble, singles, empty, options);
}

/**
 * What sampling takes at least, where the metric must be computed from all samples; an estimate as `seconds` are. Metrics that are
 * sums can look at some of the samples.
 */
export function leastSecondsToExplain(ensemble: EnsembleScores): number {
  const size = ensemble.poolSize;
  if (isSum(ensemble.metric)) return 0;
  const subsets = Math.min(2 ** size, 2 * (size + subsetsOfPair(size)));
  return secondsToScore(ensemble, 'metric', subsets, subsets * (size / 2));
}

function canScoreAll(
  ensemble: EnsembleScores,
  { exactUpTo, seconds }: Pick<EnsembleExplanationOptions, 'exactUpTo' | 'seconds'>,
): boolean {
  const size = ensemble.poolSize;
  if (size > Math.min(exactUpTo, MOST_MODELS)) return false;
  if (ensemble.subsetCounts !== undefined) return true;
  const subsets = 2 ** size - 1;
  return size <= MOST_LISTED && secondsToScore(ensemble, 'metric', subsets, subsets * (size / 2)) <= seconds;
}

async function exact(
  ensemble: EnsembleScores,
  singles: Float64Array,
  empty: number,
  { signal }: EnsembleExplanationOptions,
): Promise<EnsembleExplanation> {
  const size = ensemble.poolSize;
  const scores = await everySubset(ensemble, signal);
  const full = 2 ** size - 1;
  const all = scoreOf(scores, full);
  const { values, interactions } = exactShapley(scores, empty, signal);
  const leaveOneOut = Float64Array.from({ length: size }, (_, k) =>
    size === 1 ? all - empty : all - scoreOf(scores, full - 2 ** k),
  );
  const pairs = [...interactions.entries()].flatMap(([at, interaction]): PairInteraction[] => {
    const [i, j] = [Math.floor(at / size), at % size];
    return i < j ? [{ models: [i, j], interaction }] : [];
  });
  const inclusion = inclusionOfSubsets(scores);
  return {
    method: 'exact',
    subsets: full,
    all,
    empty,
    singles,
    shapley: values,
    leaveOneOut,
    inclusion,
    pairs: ranked(pairs),
  };
}

async function sampled(
  ensemble: EnsembleScores,
  singles: Float64Array,
  empty: number,
  options: EnsembleExplanationOptions,
): Promise<EnsembleExplanation> {
  const { seconds, seed, samplePairs, chosen = [], candidates, signal } = options;
  const size = ensemble.poolSize;
  const perSubset = secondsToScore(ensemble, 'metric', 1, size / 2);
  const room = Math.min(seconds / perSubset, MOST_SUBSETS);
  const permutations = Math.floor((room - 2 * size) / subsetsOfPair(size));
  const random = new Random(seed, STREAMS.explanation);
  const perPart = permutations < 2 ? samplesPerPart(ensemble, seconds) : ensemble.samples;
  // A part's score is the whole's on average only where the metric is a mean over the samples.
  const isInParts = isSum(ensemble.metric) && perPart * PARTS < ensemble.samples;
  const [all] = (await ensemble.scores(
    [Mixture.uniform(size, [...Array(size).keys()])],
    'metric',
    signal,
  )) as unknown as [number];
  const found: SampledShapley | ShapleyOnParts = isInParts
    ? await shapleyOnParts(ensemble, all - empty, perPart, random, signal)
    : await sampledShapley(ensemble, singles, empty, Math.max(2, permutations), random, signal);
  const { values, errors, leaveOneOut, evaluations } = found;
  const byWeight = [...values.keys()].sort((a, b) => Math.abs(values[b] as number) - Math.abs(values[a] as number));
  const models = [...new Set([...chosen, ...byWeight])].slice(0, SAMPLED_MODELS);
  const perDraw = 2 * models.length * (models.length - 1);
  const draws = Math.max(LEAST_DRAWS, Math.floor(room / Math.max(perDraw, 1)));
  const pairs = samplePairs ? await sampledInteractions(ensemble, models, empty, draws, random, signal) : [];
  return {
    method: 'sampled',
    subsets: evaluations + pairs.length * draws * 4,
    ...('samples' in found && { samples: found.samples, leaveOneOutErrors: found.leaveOneOutErrors }),
    all,
    empty,
    singles,
    shapley: values,
    shapleyErrors: errors,
    leaveOneOut,
    inclusion: inclusionOfCandidates(
      candidates.map(({ mixture }) => mixture),
      candidates.map(({ approxScore }) => approxScore),
    ),
    pairs: ranked(pairs),
  };
}

/** Samples of each part that `shapleyOnParts` has the time for; a few at least. */
function samplesPerPart(ensemble: EnsembleScores, seconds: number): number {
  const { poolSize: size, classes } = ensemble;
  const subsets = 2 * size + 1 + subsetsOfPair(size);
  const one = { ...ensemble, samples: 1 };
  const perSample = secondsToScore(one, 'metric', subsets, subsets * (size / 2)) + COPYING * size * classes;
  return Math.min(Math.max(Math.floor(seconds / perSample / PARTS), LEAST_SAMPLES), ensemble.samples);
}

function ranked(pairs: readonly PairInteraction[]): PairInteraction[] {
  return pairs.toSorted((a, b) => b.interaction - a.interaction);
}
