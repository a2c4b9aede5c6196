import type { Metric } from '../metric/index.js';
import type { CurvePoint } from '../recipes/index.js';
import { type DescribedMixture, describeMixture } from './described.js';
import { formatScore } from './format.js';

/** The choice after so many evaluations, as JSON has it. */
export interface DescribedCurvePoint extends DescribedMixture {
  readonly evaluations: number;
  readonly valScore: number;
  /** What the evaluations cost, in full passes over the validation split. */
  readonly passes?: number;
}

/** @param models ids of the pool's models */
export function describeCurve(curve: readonly CurvePoint[], models: readonly string[]): DescribedCurvePoint[] {
  return curve.map(({ evaluations, best: { mixture, score }, passes }) => ({
    evaluations,
    ...describeMixture(mixture, models),
    valScore: score,
    ...(passes !== undefined && { passes }),
  }));
}

/** Points that the line has at most: the first, and the last ones. */
const SHOWN = 5;

/** One line: the validation score after so many evaluations; none where there is nothing but the end to tell. */
export function curveText(curve: readonly DescribedCurvePoint[] | undefined, metric: Metric): string[] {
  if (curve === undefined) return [];
  // A tie that the tie-break decides changes the choice and not the score.
  const rises = curve.filter(({ valScore }, at) => at === 0 || valScore !== curve[at - 1]?.valScore);
  if (rises.length < 2) return [];
  const texts = rises.map(({ evaluations, valScore }) => `${evaluations}: ${formatScore(valScore, metric)}`);
  const shown = texts.length <= SHOWN ? texts : [texts[0], '…', ...texts.slice(1 - SHOWN)];
  return [`by evaluation validation ${shown.join('   ')}`];
}
