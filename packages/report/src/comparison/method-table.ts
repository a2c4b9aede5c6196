import type { ComparisonReport } from '@radin/core';
import { MODELS, names, table } from '../blocks.js';
import type { Block } from '../page.js';
import type { Scores } from '../scores.js';
import { titleOf } from './answer.js';

/** The pool's Table 1: a row for each budget and method, with exact tests against the best individual and greedy. */
export function methodTable({ rows, budgets, pool }: ComparisonReport, scores: Scores): Block[] {
  const isTested = rows.some(({ testScore }) => testScore !== undefined);
  const isMarked = rows.some(({ statistics }) => statistics !== undefined);
  const split = isTested ? 'test' : 'validation';
  return budgets.map((budget) =>
    table({
      id: `comparison-table-${budget}`,
      title: `The methods at B = ${budget}`,
      columns: [
        { name: 'method', title: 'Method', format: 'text' },
        scores.column('valScore', 'Validation'),
        ...(isTested ? [scores.column('testScore', 'Test')] : []),
        { name: 'evaluations', title: 'Evaluations', format: 'integer' },
        { name: 'passes', title: 'Full passes', format: 'number' },
        { name: 'size', title: 'Models', format: 'integer' },
        ...(isMarked
          ? ([
              { name: 'pIndividual', title: 'p, best individual', format: 'p-value' },
              { name: 'pGreedy', title: 'p, greedy', format: 'p-value' },
              { name: 'marks', title: 'Differs from', format: 'text' },
            ] as const)
          : []),
        { ...MODELS, title: 'Ingredients' },
      ],
      rows: rows
        .filter((row) => row.budget === budget)
        .map(({ method, valScore, testScore, evaluations, passes, models, statistics }) => {
          const tests = statistics?.[split];
          const [individual, greedy] = [tests?.versusBestIndividual.pValue, tests?.versusGreedy.pValue];
          return [
            titleOf(method),
            valScore,
            ...(isTested ? [testScore ?? null] : []),
            evaluations,
            Number((passes ?? evaluations).toFixed(1)),
            models.length,
            ...(isMarked ? [individual ?? null, greedy ?? null, marks(individual, greedy)] : []),
            models.length > 1 && models.length === pool.models ? 'all' : names(models),
          ];
        }),
      note: [
        'Evaluations are of soups within the budget; the passes that rank the single models are not counted.',
        isMarked && `p is McNemar’s exact test on the ${split} samples; “differs from” marks p < 0.05.`,
        'The logit ensemble is a predictor that runs all models, no soup.',
        rows.some(({ method }) => method === 'oracle') &&
          'The oracle is the best of RADIN’s candidates by the test split: a reference, not a method.',
      ]
        .filter(Boolean)
        .join(' '),
    }),
  );
}

/** McNemar's p-value below which a difference is marked, as in the table of text. */
const LEVEL = 0.05;

function marks(individual: number | undefined, greedy: number | undefined): string {
  const differs = (pValue: number | undefined) => pValue !== undefined && pValue < LEVEL;
  return [...(differs(individual) ? ['best individual'] : []), ...(differs(greedy) ? ['greedy'] : [])].join(', ');
}
