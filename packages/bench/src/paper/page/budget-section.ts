import type { Chart, Section } from '@radin/report';
import { titleOf } from '../methods.js';
import type { PaperResult } from '../result.js';
import { seedsText } from '../text.js';
import { columnsAndRows, field } from './columns.js';
import { scoreChannel, scoreTitle } from './scores-of.js';

/** Fig. 4: what a budget buys, on both axes of cost. */
export function budgetSection(result: PaperResult): Section {
  return {
    id: 'budget',
    title: 'Fig. 4: score and budget',
    blocks: [
      { kind: 'chart', chart: curveChart(result, 'budget') },
      { kind: 'chart', chart: curveChart(result, 'passes') },
      {
        kind: 'text',
        text: 'Bands reach from the lowest to the highest seed; greedy and adaptive draw nothing and have none. Adaptive chooses each soup by what the ones before have shown, so its curve is one search that is looked at after each evaluation, and its evaluations cost less than a pass where it stops soups that can no longer win: the second chart counts that. Neither its choice nor greedy’s is ever below the best individual on validation; RADIN’s may be.',
      },
    ],
  };
}

function curveChart(result: PaperResult, axis: 'budget' | 'passes'): Chart {
  const title = scoreTitle(result);
  const rows = result.curves.flatMap(({ method, points }) =>
    points.map(({ budget, passes, validation, test }) => ({
      method: titleOf(method),
      budget,
      passes,
      validation,
      ...(test ?? validation),
    })),
  );
  const methods = [...new Set(rows.map(({ method }) => method))];
  const id = axis === 'budget' ? 'fig-4' : 'fig-4-passes';
  const ends = result.curves.map(({ method, points }) => {
    const shown = [points[0], points.at(-1)].map((point) => {
      const spread = point?.test ?? point?.validation;
      return spread === undefined ? '' : (100 * spread.mean).toFixed(2);
    });
    return `${titleOf(method)}: ${shown[0]} and ${shown[1]}`;
  });
  const heading = `Fig. 4: ${title.toLowerCase()} by ${axis === 'budget' ? 'evaluations' : 'forward passes'}`;
  return {
    id,
    title: heading,
    description: `Mean ${title.toLowerCase()} over ${seedsText(result.settings.seeds)} of what has been chosen, ${axis === 'budget' ? 'by evaluations of soups as the paper counts them' : `by full passes over the validation samples, the ${result.pool.models.length} that cache logits among them`}. In percent after 1 and ${result.settings.curveBudget} evaluations: ${ends.join('; ')}.`,
    spec: {
      encoding: {
        x: { field: axis, type: 'quantitative', scale: { zero: false, nice: false } },
        color: { field: 'method', type: 'nominal', title: null, sort: methods },
      },
      layer: [
        {
          mark: { type: 'area', opacity: 0.12, interpolate: 'step-after' },
          encoding: { y: scoreChannel('least', title), y2: { field: 'most', title } },
        },
        { mark: { type: 'line', interpolate: 'step-after' }, encoding: { y: scoreChannel('mean', title) } },
      ],
    },
    data: {
      id,
      title: heading,
      ...columnsAndRows<(typeof rows)[number]>(
        [
          field('method', 'Method', 'text', ({ method }) => method),
          field('budget', 'Evaluations', 'integer', ({ budget }) => budget),
          field('passes', 'Forward passes', 'number', ({ passes }) => passes),
          field('mean', title, 'percent', ({ mean }) => mean),
          field('least', 'Least', 'percent', ({ min }) => min),
          field('most', 'Most', 'percent', ({ max }) => max),
          field('sd', 'sd', 'percent', ({ deviation }) => deviation),
          field('validation', 'Validation accuracy', 'percent', ({ validation }) => validation.mean),
        ],
        rows,
      ),
    },
  };
}
