import type { EnsembleExplanation, IngredientValue, PairInteraction } from '../explanation/index.js';
import type { Metric } from '../metric/index.js';
import { plainScore, signed, signedScore } from './format.js';
import { alignColumns } from './table.js';

/** What was found out about a pool's ensemble, and where there is one, about the soup that a search chose. */
export interface Explanation {
  readonly ensemble: EnsembleExplanation;
  /** Leave-one-out values of the chosen soup. */
  readonly ingredients?: readonly IngredientValue[];
}

interface DescribedPair {
  readonly models: readonly string[];
  readonly interaction: number;
  readonly error?: number;
}

/** The `explanation` of `result.json` and of `score --explain --json`. */
export interface ExplanationReport {
  readonly method: EnsembleExplanation['method'];
  /** Subsets that were scored. */
  readonly subsets: number;
  /** Validation samples that values were estimated on, where all would have taken too long. */
  readonly samples?: number;
  /** Score of the averaged logits of all models, and what stands for no model: the mean of the single models. */
  readonly ensembleScore: number;
  readonly emptyScore: number;
  /** How many of how many candidates are the best 1 %. */
  readonly inclusionAmong: { readonly best: number; readonly candidates: number };
  /** Highest Shapley value first. */
  readonly models: readonly {
    readonly model: string;
    readonly score: number;
    readonly shapley: number;
    /** Standard error, where sampled. */
    readonly shapleyError?: number;
    readonly leaveOneOut: number;
    /** Standard error, where estimated on some of the samples. */
    readonly leaveOneOutError?: number;
    readonly inclusion: number;
    readonly expectedInclusion: number;
  }[];
  /** The largest positive and the largest negative interactions. */
  readonly helpfulPairs: readonly DescribedPair[];
  readonly harmfulPairs: readonly DescribedPair[];
  /** What each ingredient adds to the chosen soup: to its averaged logits, and where known, to the soup itself. */
  readonly ingredients?: readonly {
    readonly model: string;
    readonly approxScore: number;
    readonly valScore?: number;
  }[];
}

/** Pairs of each kind that are named. */
const MOST_PAIRS = 5;

/** @param ids of the models, by index */
export function explanationReport({ ensemble, ingredients }: Explanation, ids: readonly string[]): ExplanationReport {
  const { method, subsets, samples, all, empty, singles, inclusion, pairs } = ensemble;
  const { shapley, shapleyErrors, leaveOneOut, leaveOneOutErrors } = ensemble;
  const order = [...shapley.keys()].sort((a, b) => (shapley[b] as number) - (shapley[a] as number) || a - b);
  const at = (values: Float64Array, k: number) => values[k] as number;
  const describe = ({ models, ...rest }: PairInteraction): DescribedPair => ({
    models: models.map((k) => ids[k] as string),
    ...rest,
  });
  return {
    method,
    subsets,
    ...(samples !== undefined && { samples }),
    ensembleScore: all,
    emptyScore: empty,
    inclusionAmong: { best: inclusion.best, candidates: inclusion.candidates },
    models: order.map((k) => ({
      model: ids[k] as string,
      score: at(singles, k),
      shapley: at(shapley, k),
      ...(shapleyErrors && { shapleyError: at(shapleyErrors, k) }),
      leaveOneOut: at(leaveOneOut, k),
      ...(leaveOneOutErrors && { leaveOneOutError: at(leaveOneOutErrors, k) }),
      inclusion: at(inclusion.shares, k),
      expectedInclusion: at(inclusion.expected, k),
    })),
    helpfulPairs: pairs
      .filter(({ interaction }) => interaction > 0)
      .slice(0, MOST_PAIRS)
      .map(describe),
    harmfulPairs: pairs
      .filter(({ interaction }) => interaction < 0)
      .toReversed()
      .slice(0, MOST_PAIRS)
      .map(describe),
    ...(ingredients && {
      ingredients: ingredients.map(({ model, approx, real }) => ({
        model: ids[model] as string,
        approxScore: approx,
        ...(real !== undefined && { valScore: real }),
      })),
    }),
  };
}

/** Models in the table of text; `result.json` has all. */
const MOST_ROWS = 40;

/** The explanation as a table with a line for each model, and the pairs. */
export function explanationText(report: ExplanationReport, metric: Metric): string[] {
  const { method, subsets, samples, models, inclusionAmong, helpfulPairs, harmfulPairs, ingredients } = report;
  const isFraction = metric.unit === 'fraction';
  const shown = models.slice(0, MOST_ROWS);
  const points = (value: number) => (isFraction ? signed(100 * value, 3) : signedScore(value, metric));
  const isSampled = method === 'sampled';
  const soup = new Map((ingredients ?? []).map((ingredient) => [ingredient.model, ingredient]));
  const table = alignColumns([
    [
      'model',
      isFraction ? 'alone %' : `alone ${metric.unit}`.trimEnd(),
      'Shapley',
      ...(isSampled ? ['± error'] : []),
      'left out',
      'best 1 %',
      ...(soup.size > 0 ? ['soup: logits', 'weights'] : []),
    ],
    ...shown.map(({ model, score, shapley, shapleyError, leaveOneOut, inclusion, expectedInclusion }) => [
      model,
      isFraction ? (100 * score).toFixed(2) : plainScore(score, metric),
      points(shapley),
      ...(isSampled ? [points(shapleyError ?? 0).slice(1)] : []),
      points(leaveOneOut),
      `${Math.round(100 * inclusion)} % (${Math.round(100 * expectedInclusion)} %)`,
      ...(soup.size > 0 ? soupCells(soup.get(model), points) : []),
    ]),
  ]);
  const pairLine = ({ models: pair, interaction, error }: DescribedPair) =>
    `${points(interaction)}${error === undefined ? '' : ` ± ${points(error).slice(1)}`}  ${pair.join(' + ')}`;
  const pairLines = (title: string, pairs: readonly DescribedPair[]) =>
    pairs.length === 0 ? [] : [title, ...pairs.map((pair) => `  ${pairLine(pair)}`)];
  return [
    `what each model is worth to the ensemble of all (${isSampled ? `estimated from ${subsets}` : `exact, from all ${subsets}`} subsets${samples === undefined ? '' : ` on ${samples} samples`})`,
    ...table,
    ...(models.length > shown.length ? [`… and ${models.length - shown.length} more, all in the JSON`] : []),
    `Shapley, left out: ${isFraction ? 'points' : metric.unit || `units of ${metric.name}`}; best 1 %: share of the best ${inclusionAmong.best} of ${inclusionAmong.candidates} candidates that contain the model (of all candidates)`,
    ...(soup.size > 0
      ? [
          'soup: what the model adds to the averaged logits of the chosen soup, and to the soup itself where that is known',
        ]
      : []),
    ...pairLines('pairs that help', helpfulPairs),
    ...pairLines('pairs that hurt', harmfulPairs),
  ];
}

function soupCells(
  ingredient: { readonly approxScore: number; readonly valScore?: number } | undefined,
  points: (value: number) => string,
): string[] {
  if (ingredient === undefined) return ['', ''];
  const { approxScore, valScore } = ingredient;
  return [points(approxScore), valScore === undefined ? '–' : points(valScore)];
}
