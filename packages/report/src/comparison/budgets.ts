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
  readonly passes: number;
  readonly valScore: number;
  readonly models: readonly string[];
}

interface Search {
  readonly title: string;
  readonly points: readonly Point[];
}

function curves({ rows, budgets }: ComparisonReport, scores: Scores): Block[] {
  const largest = Math.max(...budgets);
  const searches = SEARCHES.flatMap((method): Search[] => {
    const row = rows.find((one) => one.method === method && one.budget === largest);
    const points = row === undefined ? [] : pointsOf(row);
    return points.length === 0 ? [] : [{ title: titleOf(method), points }];
  });
  if (searches.length === 0 || largest < 3) return text('Curves need a budget of three evaluations or more.');
  const single = rows.find(({ method }) => method === 'best-individual')?.valScore;
  const isRaced = searches.some(({ points }) => points.some(({ passes, evaluations }) => passes < 0.95 * evaluations));
  return [
    curveChart('evaluations', searches, single, scores),
    ...(isRaced ? [curveChart('passes', searches, single, scores)] : []),
  ];
}

const COSTS = {
  evaluations: { id: 'comparison-budget-curves', by: 'evaluation', title: 'Evaluations' },
  passes: { id: 'comparison-pass-curves', by: 'full pass that evaluations cost', title: 'Full passes' },
};

function curveChart(
  cost: keyof typeof COSTS,
  searches: readonly Search[],
  single: number | undefined,
  scores: Scores,
): Block {
  const { id, by, title } = COSTS[cost];
  const described = searches.map(({ title: search, points }) => {
    const [first, last] = [points[0], points.at(-1)] as [Point, Point];
    const at = (point: Point) => `${scores.text(point.valScore)} after ${Number(point[cost].toFixed(1))}`;
    return `${search}: ${at(first)}, ${at(last)}`;
  });
  const encoding = {
    x: { field: cost, type: 'quantitative', title, axis: { tickMinStep: 1 } },
    y: {
      field: 'valScore',
      type: 'quantitative',
      scale: { zero: false },
      ...scores.axis('Validation score of the choice'),
    },
    color: { field: 'method', type: 'nominal', title: null, sort: null },
  } as const;
  const reference =
    single === undefined
      ? []
      : [{ mark: { type: 'rule' as const, strokeDash: [4, 4] }, encoding: { y: { datum: single } } }];
  return chart({
    id,
    title: `Validation score by ${by}`,
    description: `Validation score of what each search would choose by ${by}. ${described.join('. ')}.${single === undefined ? '' : ` The dashed line is the best single model, ${scores.text(single)}.`}`,
    details: MODELS.name,
    data: {
      columns: [
        { name: 'method', title: 'Method', format: 'text' },
        { name: cost, title, format: cost === 'evaluations' ? 'integer' : 'number' },
        scores.column('valScore', 'Validation'),
        { name: 'size', title: 'Size', format: 'integer' },
        MODELS,
      ],
      rows: searches.flatMap(({ title: search, points }) =>
        points.map((point): Cell[] => [search, point[cost], point.valScore, point.models.length, names(point.models)]),
      ),
    },
    spec: {
      layer: [
        ...reference,
        { mark: { type: 'line', interpolate: 'step-after' }, encoding },
        { mark: { type: 'point' }, encoding },
      ],
    },
  });
}

/** Greedy's choice is known from its steps; a search has its curve. Both go on to their last evaluation. */
function pointsOf({ curve, trace, evaluations, passes, valScore, models }: Row): Point[] {
  const points: Point[] =
    trace === undefined
      ? (curve ?? []).map((point) => ({ ...point, passes: point.passes ?? point.evaluations }))
      : traced(trace);
  const last = points.at(-1);
  return last === undefined || last.evaluations >= evaluations
    ? points
    : [...points, { evaluations, passes: passes ?? evaluations, valScore, models }];
}

function traced(trace: NonNullable<Row['trace']>): Point[] {
  let models: string[] = [];
  return trace.flatMap(({ model, valScore, kept }, step) => {
    if (!kept || valScore === undefined) return [];
    models = [...models, model];
    return [{ evaluations: step + 1, passes: step + 1, valScore, models }];
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
