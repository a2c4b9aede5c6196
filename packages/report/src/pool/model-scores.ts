import type { PoolReport } from '@radin/core';
import { chart, counted, MODELS, text } from '../blocks.js';
import type { Block, Cell, ChartSpec } from '../page.js';
import type { Scores } from '../scores.js';
import { inSoup, MOST_NAMED, SOUP, SOUP_ENCODING, soupLast } from './in-soup.js';
import { axisOfMost } from './outliers.js';
import { shortNames } from './short-names.js';

type Model = PoolReport['models'][number];

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
  const axis = axisOfMost(sorted.map(({ valScore }) => valScore));
  const below = axis === undefined ? 0 : models.filter(({ valScore }) => valScore < axis.low).length;
  const cut =
    below === 0
      ? ''
      : ` ${counted(below, 'model')} far below the others ${below === 1 ? 'is' : 'are'} drawn at the edge, as ${below === 1 ? 'a triangle' : 'triangles'}.`;
  return [
    chart({
      id: `${prefix}-models`,
      title: 'The models alone',
      description: `Validation score of each of ${counted(models.length, 'model')}, from ${scores.text(best.valScore)} (${best.model}) to ${scores.text(worst.valScore)} (${worst.model}); ${soup.size} of them ${soup.size === 1 ? 'is' : 'are'} in the soup.${cut}`,
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
      spec: isNamed ? byName(sorted, axis, scores) : byRank(axis, scores),
    }),
  ];
}

type Axis = ReturnType<typeof axisOfMost>;

/** One line a model, its score as a mark and, where there is room, as a figure at the end of the line. */
function byName(sorted: readonly Model[], axis: Axis, scores: Scores): ChartSpec {
  const names = sorted.map(({ model }) => model);
  const [high, low] = [sorted[0]?.valScore ?? 0, axis?.low ?? sorted.at(-1)?.valScore ?? 0];
  const room = 0.16 * (high - low || 0.01);
  const domain = [axis?.low ?? low - room / 4, high + room];
  const x = {
    field: 'valScore',
    type: 'quantitative',
    scale: { domain, clamp: true },
    ...scores.axis('Validation score'),
  };
  return {
    encoding: {
      y: { field: 'model', type: 'nominal', sort: names, title: null, axis: { grid: true, ...shortNames(names) } },
    },
    layer: [
      { mark: { type: 'point' }, encoding: { x, ...SOUP_ENCODING, ...edge(axis, 'triangle-left') } },
      {
        mark: { type: 'text', align: 'right', dx: -4 },
        encoding: {
          x: { value: 'width' },
          text: {
            field: 'valScore',
            type: 'quantitative',
            format: scores.metric.unit === 'fraction' ? '.2%' : scores.metric.unit === 'nats' ? '.4f' : '.4~g',
          },
          opacity: { condition: { test: 'width < 320', value: 0 }, value: 1 },
        },
      },
    ],
  } as unknown as ChartSpec;
}

function byRank(axis: Axis, scores: Scores): ChartSpec {
  const scale = axis === undefined ? { zero: false } : { domain: [axis.low, axis.high], clamp: true };
  return {
    mark: { type: 'point' },
    encoding: {
      x: { field: 'rank', type: 'quantitative', title: 'Rank among the single models' },
      y: { field: 'valScore', type: 'quantitative', scale, ...scores.axis('Validation score') },
      ...SOUP_ENCODING,
      ...edge(axis, 'triangle-down'),
    },
  } as unknown as ChartSpec;
}

/** Marks at the end of an axis that does not reach their scores point beyond it. */
function edge(axis: Axis, shape: string): object {
  if (axis === undefined) return {};
  const test = { field: 'valScore', lt: axis.low };
  return {
    shape: { condition: { test, value: shape }, value: 'circle' },
    size: { condition: { test, value: 140 }, value: 70 },
  };
}
