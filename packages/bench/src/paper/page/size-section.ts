import type { Chart, Section, Table } from '@radin/report';
import type { CandidateScores, PaperResult, SeedCandidates, SizeScores, SizeTest } from '../result.js';
import { sizeTestText } from '../text.js';
import { columnsAndRows, field } from './columns.js';
import { modelLines, scoreChannel, scoreTitle } from './scores-of.js';

/** Figs. 5 and 6: what the number of models has to do with the score. */
export function sizeSection(result: PaperResult): Section {
  return {
    id: 'size',
    title: 'Figs. 5 and 6: the number of models',
    blocks: [
      ...(result.seeds.some(({ sizeTest }) => sizeTest)
        ? [
            { kind: 'chart' as const, chart: distributions(result) },
            { kind: 'table' as const, table: sizeTests(result) },
          ]
        : []),
      {
        kind: 'chart',
        chart: sizesChart(
          result,
          'fig-6',
          `Fig. 6: spread by number of models, ${result.pooled.count.toLocaleString('en')} candidates of all seeds`,
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
                `Fig. 6 for all ${result.allSubsets.count.toLocaleString('en')} subsets`,
                result.allSubsets.sizes,
              ),
            },
          ]
        : []),
    ],
  };
}

function distributions(result: PaperResult): Chart {
  const few = Math.floor(result.pool.models.length / 2);
  const seed = result.seeds[0] as SeedCandidates;
  const [small, large] = [`at most ${few} models`, `more than ${few} models`];
  const title = `Fig. 5: scores of soups of more than ${few} models and of the rest`;
  return {
    id: 'fig-5',
    title,
    description: `Distribution of the ${scoreTitle(result).toLowerCase()} of the ${seed.count} candidates of seed 0, those of more than ${few} models apart from the rest. ${seed.sizeTest ? `${sizeTestText(seed.sizeTest)}.` : ''}`,
    spec: {
      mark: { type: 'bar', opacity: 0.6 },
      encoding: {
        x: { field: 'score', type: 'quantitative', bin: { maxbins: 40 }, axis: { format: '.1%' } },
        y: { aggregate: 'count', type: 'quantitative', stack: null, title: 'Soups' },
        color: { field: 'group', type: 'nominal', title: null, sort: [large, small] },
      },
    },
    data: {
      id: 'fig-5',
      title,
      ...columnsAndRows<CandidateScores>(
        [
          field('group', 'Group', 'text', ({ models }) => (models.length > few ? large : small)),
          field('size', 'Models', 'integer', ({ models }) => models.length),
          field('score', scoreTitle(result), 'percent', ({ test, validation }) => test ?? validation),
          field('details', 'Soup', 'text', ({ models }) => modelLines(result, models)),
        ],
        seed.candidates ?? [],
      ),
    },
    details: 'details',
  };
}

function sizeTests(result: PaperResult): Table {
  const lines = [
    ...result.seeds.map(({ seed, sizeTest }) => ({ candidates: `seed ${seed}`, sizeTest })),
    { candidates: 'all different candidates', sizeTest: result.pooled.sizeTest },
    { candidates: 'all subsets', sizeTest: result.allSubsets?.sizeTest },
  ].flatMap(({ candidates, sizeTest }) => (sizeTest === undefined ? [] : [{ candidates, ...sizeTest }]));
  return {
    id: 'mann-whitney',
    title: 'Soups of many models against those of few: Mann-Whitney U',
    ...columnsAndRows<SizeTest & { candidates: string }>(
      [
        field('candidates', 'Candidates', 'text', ({ candidates }) => candidates),
        field('few', 'Few: at most', 'integer', ({ few }) => few),
        field('count_few', 'Soups of few', 'integer', ({ counts }) => counts.few),
        field('count_many', 'of many', 'integer', ({ counts }) => counts.many),
        field('mean_few', 'Mean of few', 'percent', ({ means }) => means.few),
        field('mean_many', 'of many', 'percent', ({ means }) => means.many),
        field('u', 'U', 'number', ({ u }) => u),
        field('p', 'p', 'p-value', ({ p }) => p),
        field('superiority', 'Many higher in', 'percent', ({ superiority }) => superiority),
      ],
      lines,
    ),
    note: 'Two-sided, with corrections for ties and for continuity, exact for small samples without ties. The last column is U as a share of all pairs: how often a soup of many models scores higher than one of few, ties counted half.',
  };
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
    description: `${score} by the number of models: the observed lower and upper bound as lines, the middle half as bars, the median as a tick. ${ends.join(', ')}.`,
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
