import { formatPValue } from '@radin/core';
import type { Chart, Section } from '@radin/report';
import { PUBLISHED_SIZE_P } from '../published.js';
import type { PaperResult, SeedCandidates, SizeScores } from '../result.js';
import { sizeTestText } from '../text.js';
import { columnsAndRows, field } from './columns.js';
import { scoreChannel, scoreTitle } from './scores-of.js';

/** Figs. 5 and 6: what the number of models has to do with the score. */
export function sizeSection(result: PaperResult): Section {
  if (result.sizes.length < 2 && result.allSubsets === undefined) {
    const text = 'Figs. 5 and 6 need candidates of different numbers of models, which this pool does not have.';
    return { id: 'size', title: 'Figs. 5 and 6: the number of models', blocks: [{ kind: 'text', text }] };
  }
  return {
    id: 'size',
    title: 'Figs. 5 and 6: the number of models',
    blocks: [
      ...(result.seeds.some(({ sizeTest }) => sizeTest)
        ? [{ kind: 'chart' as const, chart: distributions(result) }]
        : []),
      {
        kind: 'chart',
        chart: sizesChart(
          result,
          'fig-6',
          `Fig. 6: lowest and highest score by number of models, ${result.pooled.count.toLocaleString('en')} candidates of all seeds`,
          result.sizes,
        ),
      },
      ...(result.allSubsets
        ? [
            {
              kind: 'chart' as const,
              chart: sizesChart(
                result,
                'fig-6-all',
                `Fig. 6: the same of all ${result.allSubsets.count.toLocaleString('en')} subsets`,
                result.allSubsets.sizes,
              ),
            },
          ]
        : []),
    ],
  };
}

/** Bars of Fig. 5 and of neighbouring scores. */
const BINS = 30;

interface Bin {
  readonly group: string;
  readonly from: number;
  readonly to: number;
  readonly soups: number;
  readonly share: number;
}

function distributions(result: PaperResult): Chart {
  const few = Math.floor(result.pool.models.length / 2);
  const seed = result.seeds[0] as SeedCandidates;
  const groups = [`more than ${few} models`, `at most ${few} models`];
  const scored = (seed.candidates ?? []).map(({ models, test, validation }) => ({
    group: groups[models.length > few ? 0 : 1] as string,
    score: test ?? validation,
  }));
  const title = `Fig. 5: ${scoreTitle(result).toLowerCase()} of soups of more than ${few} models and of the rest`;
  const { sizeTest } = seed;
  const published = `The paper: p ≈ ${formatPValue(PUBLISHED_SIZE_P)}, more than 6 of 13 models on ImageNet.`;
  const sort = groups;
  return {
    id: 'fig-5',
    title,
    description: `Distribution of the ${scoreTitle(result).toLowerCase()} of the ${seed.count} candidates of seed 0, as shares of the soups of more than ${few} models and of the rest. ${sizeTest ? `Means ${sizeTestText(sizeTest)}. ${published}` : ''}`,
    spec: {
      facet: { field: 'group', type: 'nominal', title: null, sort },
      columns: 1,
      spec: {
        height: 130,
        mark: 'rect',
        encoding: {
          x: scoreChannel('from', scoreTitle(result)),
          x2: { field: 'to', title: scoreTitle(result) },
          y: {
            field: 'share',
            type: 'quantitative',
            title: 'Share of soups',
            axis: { format: '.0%' },
            scale: { zero: true },
          },
          y2: { datum: 0 },
          color: { field: 'group', type: 'nominal', sort, legend: null },
        },
      },
    },
    data: {
      id: 'fig-5',
      title,
      ...columnsAndRows<Bin>(
        [
          field('group', 'Soups of', 'text', ({ group }) => group),
          field('from', 'From', 'percent', ({ from }) => from),
          field('to', 'to', 'percent', ({ to }) => to),
          field('soups', 'Soups', 'integer', ({ soups }) => soups),
          field('share', 'Share of them', 'percent', ({ share }) => share),
        ],
        binned(scored, groups),
      ),
    },
  };
}

/** Counts in equal steps from the lowest score to the highest, empty ones left out. */
function binned(
  scored: readonly { readonly group: string; readonly score: number }[],
  groups: readonly string[],
): Bin[] {
  const scores = scored.map(({ score }) => score);
  const least = scores.reduce((a, b) => Math.min(a, b), 1);
  const most = scores.reduce((a, b) => Math.max(a, b), 0);
  // One score alone has a bar too.
  const width = (most - least || 0.001) / BINS;
  return groups.flatMap((group) => {
    const own = scored.filter((one) => one.group === group);
    return Array.from({ length: BINS }, (_, bin): Bin => {
      const soups = own.filter(({ score }) => Math.min(BINS - 1, Math.floor((score - least) / width)) === bin).length;
      return { group, from: least + bin * width, to: least + (bin + 1) * width, soups, share: soups / own.length };
    }).filter(({ soups }) => soups > 0);
  });
}

function sizesChart(result: PaperResult, id: string, title: string, sizes: readonly SizeScores[]): Chart {
  const score = scoreTitle(result);
  const ends = [sizes[0], sizes.at(-1)].map((size) => {
    return size === undefined
      ? ''
      : `${(100 * size.lower).toFixed(2)} to ${(100 * size.upper).toFixed(2)} % with ${size.models} models`;
  });
  return {
    id,
    title,
    description: `${score} by the number of models: the observed lower and upper bound as lines, the middle half as bars, the median as a tick. From the lowest to the highest: ${[...new Set(ends)].join(', ')}. In the paper the lower bound rises with the number of models and the upper is flat.`,
    spec: {
      encoding: { x: { field: 'models', type: 'ordinal', axis: { labelAngle: 0 } } },
      layer: [
        {
          mark: { type: 'rule' },
          encoding: { y: scoreChannel('lower', score), y2: { field: 'upper', title: score } },
        },
        {
          mark: { type: 'bar', opacity: 0.5, size: 18 },
          encoding: { y: scoreChannel('first_quartile', score), y2: { field: 'third_quartile', title: score } },
        },
        { mark: { type: 'tick', size: 18 }, encoding: { y: scoreChannel('median', score) } },
        { mark: { type: 'line', strokeWidth: 1.5, point: true }, encoding: { y: scoreChannel('lower', score) } },
        { mark: { type: 'line', strokeWidth: 1.5, point: true }, encoding: { y: scoreChannel('upper', score) } },
      ],
    },
    data: {
      id,
      title,
      ...columnsAndRows<SizeScores>(
        [
          field('models', 'Models', 'integer', ({ models }) => models),
          field('count', 'Soups', 'integer', ({ count }) => count),
          field('lower', 'Observed lower bound', 'percent', ({ lower }) => lower),
          field('first_quartile', 'First quartile', 'percent', ({ firstQuartile }) => firstQuartile),
          field('median', 'Median', 'percent', ({ median }) => median),
          field('mean', 'Mean', 'percent', ({ mean }) => mean),
          field('third_quartile', 'Third quartile', 'percent', ({ thirdQuartile }) => thirdQuartile),
          field('upper', 'Observed upper bound', 'percent', ({ upper }) => upper),
        ],
        sizes,
      ),
    },
  };
}
