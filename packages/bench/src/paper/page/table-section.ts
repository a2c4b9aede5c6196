import type { Chart, Section, Table } from '@radin/report';
import { titleOf } from '../methods.js';
import { PUBLISHED_SCORES } from '../published.js';
import type { PaperMethod, PaperResult, PaperRow, PaperRun, Spread } from '../result.js';
import { scoreText, shownScore, significanceText } from '../table-text.js';
import { seedsText } from '../text.js';
import { columnsAndRows, type Field, field } from './columns.js';
import { scoreChannel, scoreTitle } from './scores-of.js';

/** Table 1 and its tests. */
export function tableSection(result: PaperResult): Section {
  return {
    id: 'table-1',
    title: 'Table 1: methods and budgets',
    blocks: [
      { kind: 'table', table: tableOne(result) },
      { kind: 'chart', chart: methodsChart(result) },
      { kind: 'table', table: scores(result) },
      { kind: 'table', table: tests(result) },
    ],
  };
}

/** How far methods that draw vary, every search with its soup and its tests, and the models by their numbers. */
export function runTables(result: PaperResult): Table[] {
  const drawn = result.rows.filter((row) => row.runs > 1);
  return [...(drawn.length > 0 ? [spreads(drawn)] : []), runs(result), models(result)];
}

/** Table 1 as the paper prints it, and beside it the paper's. */
function tableOne(result: PaperResult): Table {
  const { rows, settings, pool, reported } = result;
  const scoreAt = (method: PaperMethod, budget: number) => {
    const row = rows.find((one) => one.method === method && (one.budget ?? budget) === budget);
    // Without spaces eight columns fit a page.
    return row && scoreText(shownScore(row), row.runs).replaceAll(' ', '');
  };
  const published = (method: PaperMethod) => PUBLISHED_SCORES.find((one) => one.method === method);
  const compared = settings.budgets.filter((budget): budget is 1 | 25 => budget === 1 || budget === 25);
  return {
    id: 'table-1',
    title: `Table 1: accuracy of ${pool.name} on ${reported} in %, and what the paper has`,
    ...columnsAndRows<PaperMethod>(
      [
        field('method', 'Method', 'text', titleOf),
        ...settings.budgets.map((budget) =>
          field<PaperMethod>(`b${budget}`, `B\u00a0=\u00a0${budget}`, 'text', (method) => scoreAt(method, budget)),
        ),
        ...compared.map((budget) =>
          field<PaperMethod>(`cifar10_b${budget}`, `CIFAR\u201110, B\u00a0=\u00a0${budget}`, 'text', (method) => {
            return published(method)?.cifar10[budget].toFixed(2);
          }),
        ),
        ...compared.map((budget) =>
          field<PaperMethod>(`imagenet_b${budget}`, `ImageNet, B\u00a0=\u00a0${budget}`, 'text', (method) => {
            return published(method)?.imageNet[budget].toFixed(3);
          }),
        ),
      ],
      [...new Set(rows.map(({ method }) => method))],
    ),
    note: 'Means, ± the standard deviation over the seeds where a method draws candidates. What has no budget stands under each. CIFAR-10 and ImageNet are the paper’s, of 13 CLIP ViT-B/32 models: test accuracy, one search each.',
  };
}

const KEY: readonly Field<PaperRow>[] = [
  field('method', 'Method', 'text', ({ method }) => titleOf(method)),
  field('budget', 'Budget', 'integer', ({ budget }) => budget),
];

function methodsChart(result: PaperResult): Chart {
  const title = scoreTitle(result);
  // Its first soup is the worst model: the axis would be empty up to the others.
  const shown = result.rows
    .filter(({ method }) => method !== 'greedy-ascending')
    .map((row) => ({ ...row, ...shownScore(row) }));
  const names = [...new Set(shown.map(({ method }) => titleOf(method)))];
  const level = (row: PaperRow) => (row.budget === null ? 'no budget' : `B = ${row.budget}`);
  const budgeted = [...new Set(shown.filter(({ budget }) => budget !== null).map(level))];
  // In the middle of its method's lines, where the method's name is.
  const levels = budgeted.toSpliced(Math.ceil(budgeted.length / 2), 0, 'no budget');
  return {
    id: 'methods',
    title: `Table 1 drawn: ${title.toLowerCase()} by method and budget`,
    description: `${title} of what each method chooses, the mean over ${seedsText(result.settings.seeds)} where it draws, with Wilson’s 95 % interval of one split’s samples; the ablation is left out. ${best(result)}`,
    spec: {
      encoding: {
        y: { field: 'method', type: 'nominal', sort: names, title: null },
        color: { field: 'level', type: 'nominal', sort: [...budgeted, 'no budget'], title: null },
        yOffset: { field: 'level', type: 'nominal', sort: levels },
      },
      height: { step: 10, for: 'offset' },
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x: scoreChannel('lower', title), x2: { field: 'upper', title } },
        },
        { mark: 'point', encoding: { x: scoreChannel('mean', title) } },
      ],
    },
    data: {
      id: 'methods',
      title: `${title} by method and budget`,
      ...columnsAndRows<(typeof shown)[number]>(
        [
          field('method', 'Method', 'text', ({ method }) => titleOf(method)),
          field('level', 'Budget', 'text', level),
          field('mean', title, 'percent', ({ mean }) => mean),
          field('lower', 'Interval from', 'percent', ({ interval }) => interval.lower),
          field('upper', 'to', 'percent', ({ interval }) => interval.upper),
          field('runs', 'Runs', 'integer', ({ runs: count }) => count),
        ],
        shown,
      ),
    },
  };
}

/** A sentence of the highest scores. */
function best({ rows, reported }: PaperResult): string {
  const honest = rows.filter(({ method }) => !['oracle', 'oracle-subset', 'logit-ensemble'].includes(method));
  const top = honest.reduce((a, b) => (shownScore(b).mean > shownScore(a).mean ? b : a));
  const where = top.budget === null ? '' : ` at B = ${top.budget}`;
  return `The highest mean on ${reported} of a soup that validation chose is ${(100 * shownScore(top).mean).toFixed(2)} %, of ${titleOf(top.method)}${where}.`;
}

function scores(result: PaperResult): Table {
  const several = (spread: Spread | undefined, runs: number) => (runs > 1 ? spread?.deviation : undefined);
  return {
    id: 'scores',
    title: 'Both splits, intervals and sizes',
    ...columnsAndRows<PaperRow>(
      [
        ...KEY,
        field('validation', 'Validation', 'percent', ({ validation }) => validation.mean),
        field('validation_sd', 'sd', 'percent', ({ validation, runs: count }) => several(validation, count)),
        field('test', 'Test', 'percent', ({ test }) => test?.mean),
        field('test_sd', 'sd', 'percent', ({ test, runs: count }) => several(test, count)),
        field('lower', 'Interval from', 'percent', ({ interval }) => interval.lower),
        field('upper', 'to', 'percent', ({ interval }) => interval.upper),
        field('gap', 'Gap', 'points', ({ gap }) => gap?.mean),
        field('models', 'Models', 'number', ({ models }) => models.mean),
      ],
      result.rows,
    ),
    note: 'Means over the seeds of the candidates with the standard deviation (sd) in points; Wilson’s interval of the mean score on the reported split; the gap is validation minus test.',
  };
}

function tests(result: PaperResult): Table {
  return {
    id: 'mcnemar',
    title: 'McNemar’s test against the best individual and greedy',
    ...columnsAndRows<PaperRow>(
      [
        ...KEY,
        field('runs', 'Runs', 'integer', ({ runs: count }) => count),
        field('versus_best_individual', 'Against the best individual', 'text', ({ versusBestIndividual }) => {
          return significanceText(versusBestIndividual) || null;
        }),
        field('versus_greedy', 'Against greedy', 'text', ({ versusGreedy }) => significanceText(versusGreedy) || null),
      ],
      result.rows,
    ),
    note: 'In how many runs McNemar’s exact p on the reported split is below 0.05, for whom; against greedy at the same budget, or at the largest for a method without one. “Every seed and run” has the p of every run.',
  };
}

function spreads(drawn: readonly PaperRow[]): Table {
  return {
    id: 'spread-over-seeds',
    title: 'Spread over the seeds',
    ...columnsAndRows<PaperRow>(
      [
        ...KEY,
        field('runs', 'Seeds', 'integer', ({ runs: count }) => count),
        field('validation_min', 'Validation, least', 'percent', ({ validation }) => validation.min),
        field('validation_max', 'most', 'percent', ({ validation }) => validation.max),
        field('test_min', 'Test, least', 'percent', ({ test }) => test?.min),
        field('test_max', 'most', 'percent', ({ test }) => test?.max),
        field('gap_min', 'Gap, least', 'points', ({ gap }) => gap?.min),
        field('gap_max', 'most', 'points', ({ gap }) => gap?.max),
      ],
      drawn,
    ),
  };
}

function runs(result: PaperResult): Table {
  return {
    id: 'runs',
    title: 'Every run of Table 1',
    ...columnsAndRows<PaperRun>(
      [
        field('method', 'Method', 'text', ({ method }) => titleOf(method)),
        field('budget', 'Budget', 'integer', ({ budget }) => budget),
        field('seed', 'Seed', 'integer', ({ seed }) => seed),
        field('validation', 'Validation', 'percent', ({ validation }) => validation),
        field('test', 'Test', 'percent', ({ test }) => test),
        field('evaluations', 'Evaluations', 'integer', ({ evaluations }) => evaluations),
        field('passes', 'Passes', 'number', ({ passes }) => passes),
        field(
          'p_best_individual',
          'p, best individual',
          'p-value',
          ({ versusBestIndividual }) => versusBestIndividual?.p,
        ),
        field('p_greedy', 'p, greedy', 'p-value', ({ versusGreedy }) => versusGreedy?.p),
        field('size', 'Models', 'integer', ({ models }) => models.length),
        field('models', 'Soup, by the models’ numbers', 'text', ({ models, weights }) => soupText(models, weights)),
      ],
      result.runs,
    ),
  };
}

function models({ pool }: PaperResult): Table {
  return {
    id: 'models',
    title: 'The models',
    columns: [
      { name: 'number', title: 'Number', format: 'integer' },
      { name: 'model', title: 'Model', format: 'text' },
    ],
    rows: pool.models.map((model, index) => [index + 1, model]),
  };
}

/** `1 3 4`, with weights where they differ: `1 (0.25) 3 (0.75)`. */
function soupText(members: readonly number[], weights?: readonly number[]): string {
  return members
    .map((model, index) => {
      const weight = weights?.[index];
      return `${model + 1}${weight === undefined ? '' : `\u00a0(${Number(weight.toPrecision(3))})`}`;
    })
    .join(' ');
}
