import type { Chart, Section } from '@radin/report';
import { titleOf } from '../methods.js';
import type { PaperResult } from '../result.js';
import { shownScore } from '../table-text.js';
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
        text: 'Greedy and adaptive draw nothing and have no bands. The paper’s Fig. 4 is of ImageNet: greedy from 74.990 at B = 1 to 78.418 at B = 25, RADIN, λ = 0, from 77.962 to 78.698. Adaptive chooses each soup by what the ones before have shown, so its curve is one search that is looked at after each evaluation, and its evaluations cost less than a pass where it stops soups that can no longer win: the second chart counts that. Neither its choice nor greedy’s is ever below the best individual on validation; RADIN’s may be.',
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
  const individual = result.rows.find(({ method }) => method === 'best-individual');
  const single = individual && shownScore(individual).mean;
  const x = {
    field: axis,
    type: 'quantitative',
    scale: { zero: false, nice: false },
    axis: { tickMinStep: 1 },
  } as const;
  const color = { field: 'method', type: 'nominal', title: null, sort: methods } as const;
  const heading = `Fig. 4: ${title.toLowerCase()} by ${axis === 'budget' ? 'evaluations' : 'forward passes'}`;
  return {
    id,
    title: heading,
    description: `Mean ${title.toLowerCase()} over ${seedsText(result.settings.seeds)} of what has been chosen, ${axis === 'budget' ? 'by evaluations of soups as the paper counts them' : `by full passes over the validation samples, the ${result.pool.models.length} that cache logits among them`}. In percent after 1 and ${result.settings.curveBudget} evaluations: ${ends.join('; ')}.${single === undefined ? '' : ` The dashed line is the best individual, ${(100 * single).toFixed(2)} %.`} Bands reach from the lowest to the highest seed.`,
    spec: {
      layer: [
        ...(single === undefined
          ? []
          : [{ mark: { type: 'rule' as const, strokeDash: [4, 4] }, encoding: { y: { datum: single } } }]),
        {
          mark: { type: 'area', opacity: 0.12, interpolate: 'step-after' },
          encoding: { x, y: scoreChannel('least', title), y2: { field: 'most', title }, color },
        },
        { mark: { type: 'line', interpolate: 'step-after' }, encoding: { x, y: scoreChannel('mean', title), color } },
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
