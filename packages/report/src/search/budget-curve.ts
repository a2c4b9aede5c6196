import type { SearchReport } from '@radin/core';
import { chart, counted, MODELS, names, text } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import type { Scores } from '../scores.js';

/** Points with which a curve says more than a sentence. */
const LEAST_POINTS = 3;

type Point = NonNullable<SearchReport['curve']>[number];

/** The first choices and the last: the table has all. */
function described(curve: readonly Point[], scores: Scores): string {
  const shown = curve.length <= 4 ? curve : [...curve.slice(0, 3), ...curve.slice(-1)];
  return shown
    .map(
      ({ evaluations, valScore, models }) =>
        `${scores.text(valScore)} with ${counted(models.length, 'model')} after ${evaluations}`,
    )
    .join(', ');
}

/** The choice by the evaluations made so far, and by what these cost in full passes. */
export function budgetCurve(report: SearchReport, scores: Scores): Block[] {
  const { curve, evaluations, passes } = report;
  if (curve === undefined) {
    return text(
      'A race compares all soups at once, so there is no choice after fewer evaluations to draw. With --racing off there is.',
    );
  }
  const [first, last] = [curve[0], curve.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (curve.length < LEAST_POINTS) {
    return text(
      curve.length === 1
        ? `After ${counted(first.evaluations, 'evaluation')} the choice was what it still is at the end.`
        : `The choice changed once: ${scores.text(first.valScore)} after ${counted(first.evaluations, 'evaluation')}, ${scores.text(last.valScore)} after ${counted(last.evaluations, 'evaluation')}.`,
    );
  }
  const end = last.evaluations < evaluations ? [{ ...last, evaluations, passes }] : [];
  const points = [...curve, ...end];
  const hasPasses = points.some((point) => point.passes !== undefined && point.passes < 0.95 * point.evaluations);
  const rows = points.flatMap(({ evaluations: made, passes: cost, valScore, models }): Cell[][] => {
    const row = (measure: string, spent: number): Cell[] => [measure, spent, valScore, models.length, names(models)];
    return [row('evaluations', made), ...(hasPasses && cost !== undefined ? [row('full passes', cost)] : [])];
  });
  return [
    chart({
      id: 'search-budget-curve',
      title: 'What more evaluations bring',
      description: `Validation score of the choice by evaluation: ${described(curve, scores)}.${hasPasses ? ` The ${counted(evaluations, 'evaluation')} cost ${passes.toFixed(1)} full passes, as soups are stopped that can no longer be the best.` : ''}`,
      details: MODELS.name,
      data: {
        columns: [
          { name: 'measure', title: 'Cost in', format: 'text' },
          { name: 'cost', title: 'Cost so far', format: 'number' },
          scores.column('valScore', 'Validation'),
          { name: 'size', title: 'Size', format: 'integer' },
          MODELS,
        ],
        rows,
      },
      spec: {
        layer: [{ mark: { type: 'line', interpolate: 'step-after' } }, { mark: { type: 'point' } }],
        encoding: {
          x: {
            field: 'cost',
            type: 'quantitative',
            title: hasPasses ? 'Evaluations begun, and full passes that they cost' : 'Evaluations',
            axis: { tickMinStep: 1 },
          },
          y: {
            field: 'valScore',
            type: 'quantitative',
            scale: { zero: false },
            ...scores.axis('Validation score of the choice'),
          },
          ...(hasPasses && {
            color: { field: 'measure', type: 'nominal', title: 'Cost in', sort: ['evaluations', 'full passes'] },
          }),
        },
      },
    }),
  ];
}
