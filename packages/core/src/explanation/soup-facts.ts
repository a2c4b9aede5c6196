import { Mixture } from '../mixture/index.js';
import type { CallOptions } from '../progress.js';
import { type PairedComparison, rankSingles, type SearchResult, splitStatistics } from '../recipes/index.js';
import type { Candidate } from '../stage1/index.js';
import type { SplitScorer } from '../stage2/index.js';

/** What was measured that can say why soups do not beat single models. Scores are of the validation split. */
export interface SoupFacts {
  /** N, B as far as it was spent, and the candidates of stage 1. */
  readonly poolSize: number;
  readonly evaluations: number;
  readonly scored: number;
  readonly samples: number;
  /** The best single model. */
  readonly single: { readonly model: number; readonly score: number };
  /** The next best, and how the two differ sample by sample. */
  readonly runnerUp?: { readonly model: number; readonly score: number; readonly versus?: PairedComparison };
  /** Two or more models with the best score of all that were evaluated in full. */
  readonly soup?: {
    readonly models: readonly number[];
    readonly score: number;
    readonly approxScore: number;
    /** The soup first, the best single model second. */
    readonly versus?: PairedComparison;
  };
  /** Soups that were evaluated in full, and the median of what they lose against their averaged logits. */
  readonly soups: number;
  readonly medianGap?: number;
  /** Soups whose evaluation a race stopped, and the most that one of them could score. */
  readonly stopped: number;
  readonly stoppedAtMost?: number;
  /** Models that `basinWarnings` names, and the evaluated soups with them. */
  readonly outside: readonly {
    readonly model: number;
    readonly soups: number;
    readonly medianGap?: number;
  }[];
  /** Evaluated soups without any of those models. */
  readonly inside: { readonly soups: number; readonly medianGap?: number };
  /** Of the best single model's errors, the share that another model makes too, on average; where there are errors. */
  readonly sharedErrors?: number;
  /** The share of samples that one of two models gets right and the other wrong, on average over all pairs. */
  readonly disagreement?: number;
}

/** Whether what was chosen is no soup, or one that scores below the best single model. */
export function soupLoses({ best }: SearchResult, single: SearchResult): boolean {
  return (best.mixture.size === 1 && best.mixture.weights.length > 1) || best.score < single.best.score;
}

/**
 * Collects the facts from what a search evaluated; no forward pass, N looks at the cached logits.
 * @param outside indices of the models that lie outside the basin of the others
 */
export async function soupFacts(
  scorer: SplitScorer,
  result: SearchResult,
  outside: readonly number[],
  options: CallOptions = {},
): Promise<SoupFacts> {
  const call = options.signal ? { signal: options.signal } : {};
  const size = scorer.poolSize;
  const [single, runnerUp] = rankSingles(await scorer.individualScores(call));
  if (single === undefined) throw new RangeError('Expected a pool of at least one model but received none');
  const compare = async (mixture: Mixture) =>
    (await splitStatistics(scorer, mixture, single.mixture, call)).versusOther;
  const soups = result.candidates.filter(isEvaluatedSoup);
  const best = soups.toSorted((a, b) => b.score - a.score)[0];
  const stopped = result.candidates.flatMap(({ scoreAtMost }) => (scoreAtMost === undefined ? [] : [scoreAtMost]));
  const contains = (model: number) => soups.filter(({ mixture }) => mixture.ingredients.includes(model));
  const without = soups.filter(({ mixture }) => !mixture.ingredients.some((k) => outside.includes(k)));
  const versusSoup = best && (await compare(best.mixture));
  const versusRunnerUp =
    runnerUp && (await splitStatistics(scorer, single.mixture, runnerUp.mixture, call)).versusOther;
  return {
    poolSize: size,
    evaluations: result.evaluations,
    scored: result.scored,
    samples: scorer.samples,
    single: { model: single.mixture.ingredients[0] as number, score: single.score },
    ...(runnerUp && {
      runnerUp: {
        model: runnerUp.mixture.ingredients[0] as number,
        score: runnerUp.score,
        ...(versusRunnerUp && { versus: versusRunnerUp }),
      },
    }),
    ...(best && {
      soup: {
        models: best.mixture.ingredients,
        score: best.score,
        approxScore: best.approxScore,
        ...(versusSoup && { versus: versusSoup }),
      },
    }),
    soups: soups.length,
    ...medianGap(soups),
    stopped: stopped.length,
    ...(stopped.length > 0 && { stoppedAtMost: Math.max(...stopped) }),
    outside: outside.map((model) => ({ model, soups: contains(model).length, ...medianGap(contains(model)) })),
    inside: { soups: without.length, ...medianGap(without) },
    ...(await errorsInCommon(scorer, single.mixture, call)),
  };
}

type EvaluatedSoup = Candidate & { readonly score: number };

function isEvaluatedSoup(candidate: Candidate): candidate is EvaluatedSoup {
  return candidate.score !== undefined && candidate.mixture.size > 1;
}

/** Of what soups lose against their averaged logits; nothing where there are none. */
function medianGap(soups: readonly EvaluatedSoup[]): { readonly medianGap?: number } {
  if (soups.length === 0) return {};
  const gaps = soups.map(({ approxScore, score }) => approxScore - score).sort((a, b) => a - b);
  const middle = gaps.length >> 1;
  const upper = gaps[middle] as number;
  return { medianGap: gaps.length % 2 === 1 ? upper : ((gaps[middle - 1] as number) + upper) / 2 };
}

async function errorsInCommon(
  scorer: SplitScorer,
  single: Mixture,
  call: CallOptions,
): Promise<Pick<SoupFacts, 'sharedErrors' | 'disagreement'>> {
  const { poolSize: size, samples } = scorer;
  if (size < 2) return {};
  const models = Array.from({ length: size }, (_, k) => Mixture.uniform(size, [k]));
  const rows = (await scorer.evaluations(models, call)).map(({ correct }) => correct);
  const best = rows[single.ingredients[0] as number];
  if (best === undefined) return {};
  let [errors, shared, disagreeing] = [0, 0, 0];
  for (let sample = 0; sample < samples; sample++) {
    const right = rows.reduce((sum, row) => sum + (row?.[sample] as number), 0);
    disagreeing += right * (size - right);
    if (best[sample] === 1) continue;
    errors++;
    shared += size - 1 - right;
  }
  return {
    ...(errors > 0 && { sharedErrors: shared / errors / (size - 1) }),
    disagreement: (2 * disagreeing) / (size * (size - 1) * samples),
  };
}
