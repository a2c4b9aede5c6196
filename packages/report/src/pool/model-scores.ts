import type { PoolReport } from '@radin/core';
import { chart, counted, MODELS, text } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import type { Scores } from '../scores.js';
import { inSoup, MOST_NAMED, SOUP, SOUP_ENCODING, soupLast } from './in-soup.js';

/** Validation score of each model, and test scores where they are known; by name where the names can be read, else by rank. */
export function modelScores(
  prefix: string,
  models: PoolReport['models'],
  soup: ReadonlySet<string>,
  scores: Scores,
): Block[] {
  const sorted = models.toSorted((a, b) => b.valScore - a.valScore);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return [];
  if (models.length < 3) {
    return text(
      `${sorted.map(({ model, valScore, testScore }) => `${model} scores ${scores.text(valScore)} on the validation samples${testScore === undefined ? '' : `, ${scores.text(testScore)} on the test samples`}`).join('; ')}.`,
    );
  }
  const isTested = models.filter(({ testScore }) => testScore !== undefined).length > 1;
  const rows = sorted.map(({ model, valScore, testScore }, at): Cell[] => [
    at + 1,
    model,
    valScore,
    ...(isTested ? [testScore ?? null] : []),
    inSoup(soup, model),
  ]);
  const isNamed = models.length <= MOST_NAMED;
  const value = { type: 'quantitative', scale: { zero: false }, ...scores.axis('Validation score') } as const;
  return [
    chart({
      id: `${prefix}-models`,
      title: 'The models alone',
      description: `Validation score of each of ${counted(models.length, 'model')}, from ${scores.text(best.valScore)} (${best.model}) to ${scores.text(worst.valScore)} (${worst.model}); ${soup.size} of them are in the soup.`,
      details: 'model',
      data: {
        columns: [
          { name: 'rank', title: 'Rank', format: 'integer' },
          { ...MODELS, name: 'model', title: 'Model' },
          scores.column('valScore', 'Validation'),
          ...(isTested ? [scores.column('testScore', 'Test')] : []),
          SOUP,
        ],
        rows: isNamed ? rows : soupLast(rows),
      },
      spec: {
        mark: { type: 'point' },
        encoding: {
          ...(isNamed
            ? {
                y: { field: 'model', type: 'nominal', sort: sorted.map(({ model }) => model), title: null },
                x: { field: 'valScore', ...value },
              }
            : {
                x: { field: 'rank', type: 'quantitative', title: 'Rank among the single models' },
                y: { field: 'valScore', ...value },
              }),
          ...SOUP_ENCODING,
        },
      },
    }),
  ];
}
