import type { ComparisonReport } from '@radin/core';
import { chart, MODELS, names, text } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import type { Scores } from '../scores.js';
import { titleOf } from './answer.js';

type Row = ComparisonReport['rows'][number];

/** Methods of which the choice after each evaluation is known, from the row with the largest budget. */
const SEARCHES = ['greedy', 'radin', 'radin-prior', 'adaptive'];

/** Validation score by evaluation of each search, and test score by budget where there are budgets enough to draw. */
export function budgetCharts(report: ComparisonReport, scores: Scores): Block[] {
  return [...curves(report, scores), ...testByBudget(report, scores)];
}

interface Point {
  readonly evaluations: number;
  readonly valScore: number;
  readonly models: readonly string[];
}

function curves({ rows, budgets }: ComparisonReport, scores: Scores): Block[] {
  const largest = Math.max(...budgets);
  const searches = SEARCHES.flatMap((method) => {
    const row = rows.find((one) => one.method === method && one.budget === largest);
    const points = row === undefined ? [] : pointsOf(row);
    return points.length === 0 ? [] : [{ title: titleOf(method), points }];
  });
  if (searches.length === 0 || largest < 3) return text('Curves need a budget of three evaluations or more.');
  const single = rows.find(({ method }) => method === 'best-individual');
  const described = searches.map(({ title, points }) => {
    const [first, last] = [points[0], points.at(-1)] as [Point, Point];
    return `${title}: ${scores.text(first.valScore)} after ${first.evaluations}, ${scores.text(last.valScore)} after ${last.evaluations}`;
  });
  const reference =
    single === undefined
      ? []
      : [{ mark: { type: 'rule' as const, strokeDash: [4, 4] }, encoding: { y: { datum: single.valScore } } }];
  return [
    chart({
      id: 'comparison-budget-curves',
      title: 'Validation score by evaluation',
      description: `Validation score of what each search would choose after so many evaluations. ${described.join('. ')}.${single === undefined ? '' : ` The dashed line is the best single model, ${scores.text(single.valScore)}.`}`,
      details: MODELS.name,
      data: {
        columns: [
          { name: 'method', title: 'Method', format: 'text' },
          { name: 'evaluations', title: 'Evaluations', format: 'integer' },
          scores.column('valScore', 'Validation'),
          { name: 'size', title: 'Size', format: 'integer' },
          MODELS,
        ],
        rows: searches.flatMap(({ title, points }) =>
          points.map(({ evaluations, valScore, models }): Cell[] => [
            title,
            evaluations,
            valScore,
            models.length,
            names(models),
          ]),
        ),
      },
      spec: {
        layer: [
          ...reference,
          { mark: { type: 'line', interpolate: 'step-after' }, encoding: lines(scores) },
          { mark: { type: 'point' }, encoding: lines(scores) },
        ],
      },
    }),
  ];
}

function lines(scores: Scores) {
  return {
    x: { field: 'evaluations', type: 'quantitative', title: 'Evaluations', axis: { tickMinStep: 1 } },
    y: {
      field: 'valScore',
      type: 'quantitative',
      scale: { zero: false },
      ...scores.axis('Validation score of the choice'),
    },
    color: { field: 'method', type: 'nominal', title: null, sort: null },
  } as const;
}

/** Greedy's choice is known from its steps; a search has its curve. Both go on to their last evaluation. */
function pointsOf({ curve, trace, evaluations, valScore, models }: Row): Point[] {
  const points: Point[] = trace === undefined ? [...(curve ?? [])] : traced(trace);
  const last = points.at(-1);
  return last === undefined || last.evaluations >= evaluations
    ? points
    : [...points, { evaluations, valScore, models }];
}

function traced(trace: NonNullable<Row['trace']>): Point[] {
  let models: string[] = [];
  return trace.flatMap(({ model, valScore, kept }, step) => {
    if (!kept) return [];
    models = [...models, model];
    return [{ evaluations: step + 1, valScore, models }];
  });
}

/** Figure 4 of the paper: test score against budget. */
function testByBudget({ rows, budgets }: ComparisonReport, scores: Scores): Block[] {
  const tested = rows.filter(({ method, testScore }) => SEARCHES.includes(method) && testScore !== undefined);
  if (budgets.length < 3 || tested.length === 0) return [];
  const largest = Math.max(...budgets);
  const described = tested
    .filter(({ budget }) => budget === largest)
    .map(({ method, testScore }) => `${titleOf(method)} ${scores.text(testScore as number)}`);
  return [
    chart({
      id: 'comparison-test-curves',
      title: 'Test score by budget',
      description: `Test score of each search’s choice at the budgets ${budgets.join(', ')}. At B = ${largest}: ${described.join(', ')}.`,
      details: MODELS.name,
      data: {
        columns: [
          { name: 'method', title: 'Method', format: 'text' },
          { name: 'budget', title: 'B', format: 'integer' },
          scores.column('testScore', 'Test'),
          MODELS,
        ],
        rows: tested.map(({ method, budget, testScore, models }) => [
          titleOf(method),
          budget,
          testScore ?? null,
          names(models),
        ]),
      },
      spec: {
        mark: { type: 'line', point: true },
        encoding: {
          x: { field: 'budget', type: 'quantitative', title: 'Budget B', axis: { tickMinStep: 1 } },
          y: {
            field: 'testScore',
            type: 'quantitative',
            scale: { zero: false },
            ...scores.axis('Test score of the choice'),
          },
          color: { field: 'method', type: 'nominal', title: null, sort: null },
        },
      },
    }),
  ];
}
