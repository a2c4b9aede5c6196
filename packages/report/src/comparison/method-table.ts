import type { ComparisonReport } from '@radin/core';
import { MODELS, names, table } from '../blocks.js';
import type { Block, Column } from '../page.js';
import type { Scores } from '../scores.js';
import { titleOf } from './answer.js';

/** McNemar's p-value below which a difference is marked, as in the table of text. */
const LEVEL = 0.05;

/** The pool's Table 1: a row for each method, a table for each budget, with exact tests against the best individual and greedy. */
export function methodTables({ rows, budgets }: ComparisonReport, scores: Scores): Block[] {
  const isTested = rows.some(({ testScore }) => testScore !== undefined);
  const isMarked = rows.some(({ statistics }) => statistics !== undefined);
  const split = isTested ? 'test' : 'validation';
  const tests: Column[] = [
    { name: 'marks', title: 'Mark', format: 'text' },
    { name: 'pIndividual', title: 'p (single)', format: 'p-value' },
    { name: 'pGreedy', title: 'p (greedy)', format: 'p-value' },
  ];
  return budgets.map((budget) =>
    table({
      id: `comparison-table-${budget}`,
      title: `The methods at B = ${budget}`,
      columns: [
        { name: 'method', title: 'Method', format: 'text' },
        scores.column('valScore', 'Validation'),
        ...(isTested ? [scores.column('testScore', 'Test')] : []),
        ...(isMarked ? tests : []),
        { name: 'evaluations', title: 'Evals', format: 'integer' },
        { name: 'passes', title: 'Passes', format: 'number' },
        { name: 'size', title: 'Models', format: 'integer' },
      ],
      rows: rows
        .filter((row) => row.budget === budget)
        .map(({ method, valScore, testScore, evaluations, passes, models, statistics }) => {
          const tested = statistics?.[split];
          const [single, greedy] = [tested?.versusBestIndividual.pValue, tested?.versusGreedy.pValue];
          return [
            titleOf(method),
            valScore,
            ...(isTested ? [testScore ?? null] : []),
            ...(isMarked ? [marks(single, greedy), single ?? null, greedy ?? null] : []),
            evaluations,
            Number((passes ?? evaluations).toFixed(1)),
            models.length,
          ];
        }),
      ...(budget === budgets.at(-1) && { note: noteOf(rows, isMarked, split) }),
    }),
  );
}

function noteOf(rows: ComparisonReport['rows'], isMarked: boolean, split: string): string {
  const tests = `i, g: differs from the best individual, from greedy at the same budget on the ${split} samples (McNemar’s exact p < ${LEVEL}).`;
  const oracle = 'The oracle is the best of RADIN’s candidates by the test split: a reference, not a method.';
  const lost =
    'The evaluations of some soups were lost: they have no score and do not win, and a method without any other has the best individual.';
  return [
    ...(isMarked ? [tests] : []),
    'Evals: evaluations of soups within the budget, without the passes that rank the single models; passes: what they cost, as a race stops soups early.',
    'The logit ensemble is a predictor that runs all models, no soup.',
    ...(rows.some(({ method }) => method === 'oracle') ? [oracle] : []),
    ...(rows.some(({ failed }) => failed !== undefined) ? [lost] : []),
  ].join(' ');
}

function marks(individual: number | undefined, greedy: number | undefined): string {
  const mark = (letter: string, pValue: number | undefined) => (pValue !== undefined && pValue < LEVEL ? letter : '');
  return mark('i', individual) + mark('g', greedy);
}

/** Which models each soup is made of. */
export function soupTable({ rows, pool }: ComparisonReport): Block {
  const soups = rows.filter(({ method }) => method !== 'logit-ensemble');
  return table({
    id: 'comparison-soups',
    title: 'The soups',
    columns: [
      { name: 'method', title: 'Method', format: 'text' },
      { name: 'budget', title: 'B', format: 'integer' },
      { name: 'size', title: 'Models', format: 'integer' },
      { ...MODELS, title: 'Ingredients' },
    ],
    rows: soups.map(({ method, budget, models }) => [
      titleOf(method),
      budget,
      models.length,
      models.length === pool.models && models.length > 1 ? 'all' : names(models),
    ]),
  });
}
