import type { PoolReport } from '@radin/core';
import { chart, counted } from '../blocks.js';
import type { Block } from '../page.js';
import type { Scores } from '../scores.js';
import { inSoup, SOUP, SOUP_ENCODING, soupLast } from './in-soup.js';

/** Where the models lie: distance from the others in weight space against the score alone. */
export function distancesChart(
  prefix: string,
  models: PoolReport['models'],
  soup: ReadonlySet<string>,
  scores: Scores,
): Block[] {
  const placed = models.flatMap(({ distance, ...rest }) => (distance === undefined ? [] : [{ distance, ...rest }]));
  if (placed.length < 4) return [];
  const sorted = placed.toSorted((a, b) => b.distance - a.distance);
  const [far, near] = [sorted[0], sorted.at(-1)] as [(typeof sorted)[number], (typeof sorted)[number]];
  const warned = placed.filter(({ warning }) => warning !== undefined);
  return [
    chart({
      id: `${prefix}-distances`,
      title: 'How far the models are from the others',
      description: `Median Euclidean distance of the weights of ${counted(placed.length, 'model')} from the others, from ${near.distance} (${near.model}) to ${far.distance} (${far.model}), against their validation score. ${warned.length === 0 ? 'None is so far that it is suspicious.' : `So far that soups with it may be ruined: ${warned.map(({ model }) => model).join(', ')}.`}`,
      details: 'model',
      data: {
        columns: [
          { name: 'model', title: 'Model', format: 'text' },
          { name: 'distance', title: 'Distance from the others', format: 'number' },
          scores.column('valScore', 'Validation'),
          SOUP,
        ],
        rows: soupLast(sorted.map(({ model, distance, valScore }) => [model, distance, valScore, inSoup(soup, model)])),
      },
      spec: {
        mark: { type: 'point' },
        encoding: {
          x: {
            field: 'distance',
            type: 'quantitative',
            title: 'Median distance from the other models',
            scale: { zero: far.distance > 2 * near.distance },
          },
          y: { field: 'valScore', type: 'quantitative', scale: { zero: false }, ...scores.axis('Validation score') },
          ...SOUP_ENCODING,
        },
      },
    }),
  ];
}
