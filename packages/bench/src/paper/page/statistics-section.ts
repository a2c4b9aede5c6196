import { formatPValue } from '@radin/core';
import type { Section, Table } from '@radin/report';
import { PUBLISHED_RHO, PUBLISHED_SIZE_P } from '../published.js';
import type { Correlation, PaperResult, SizeTest } from '../result.js';
import { statisticsLines } from '../text.js';
import { columnsAndRows, type Field, field } from './columns.js';

/** What Figs. 2 and 5 say in words and numbers, beside the paper’s. */
export function statisticsSection(result: PaperResult): Section {
  const sized = sizeTests(result, summarised(result));
  return {
    id: 'statistics',
    title: 'The statistics',
    blocks: [
      {
        kind: 'text',
        text: statisticsLines(result)
          .map((line) => `${line.charAt(0).toUpperCase()}${line.slice(1)}.`)
          .join('\n\n'),
      },
      { kind: 'table', table: correlations(summarised(result)) },
      ...(sized.rows.length > 0 ? [{ kind: 'table' as const, table: sized }] : []),
    ],
  };
}

/** The same for the candidates of each seed. */
export function seedTables(result: PaperResult): Table[] {
  const lines = result.seeds.map((seed) => ({ ...seed, candidates: `seed ${seed.seed}` }));
  const sized = sizeTests(result, lines);
  return [
    { ...correlations(lines), id: 'spearman-seeds', title: 'Spearman’s ρ of each seed’s candidates' },
    ...(sized.rows.length > 0
      ? [{ ...sized, id: 'mann-whitney-seeds', title: 'Mann-Whitney U of each seed’s candidates' }]
      : []),
  ];
}

interface Line {
  readonly candidates: string;
  readonly count: number | null;
  readonly withoutPrior: Partial<Correlation>;
  readonly withPrior: Partial<Correlation>;
  readonly sizeTest?: SizeTest;
}

function summarised({ seeds, pooled, allSubsets }: PaperResult): Line[] {
  const [first] = seeds;
  return [
    {
      candidates: 'the paper, CIFAR-10',
      count: 200,
      withoutPrior: { rho: PUBLISHED_RHO.withoutPrior },
      withPrior: { rho: PUBLISHED_RHO.withPrior },
    },
    ...(first ? [{ ...first, candidates: 'seed 0' }] : []),
    ...(seeds.length > 1
      ? [
          {
            candidates: `mean of ${seeds.length} seeds`,
            count: null,
            withoutPrior: { rho: pooled.rhoWithoutPrior?.mean ?? null },
            withPrior: { rho: pooled.rhoWithPrior?.mean ?? null },
          },
        ]
      : []),
    { ...pooled, candidates: 'all different candidates' },
    ...(allSubsets ? [{ ...allSubsets, candidates: 'all subsets' }] : []),
  ];
}

function correlations(lines: readonly Line[]): Table {
  const of = (name: string, title: string, which: 'withoutPrior' | 'withPrior'): Field<Line>[] => [
    field(`rho${name}`, `ρ ${title}`, 'number', (line) => line[which].rho),
    field(`lower${name}`, 'from', 'number', (line) => (line[which].rho === null ? null : line[which].lower)),
    field(`upper${name}`, 'to', 'number', (line) => (line[which].rho === null ? null : line[which].upper)),
    field(`p${name}`, 'p', 'p-value', (line) => line[which].p),
  ];
  return {
    id: 'spearman',
    title: 'Fig. 2: Spearman’s ρ of estimate and real score',
    ...columnsAndRows<Line>(
      [
        field('candidates', 'Candidates', 'text', ({ candidates }) => candidates),
        field('count', 'Soups', 'integer', ({ count }) => count),
        ...of('', 'without the prior', 'withoutPrior'),
        ...of('_prior', 'with it', 'withPrior'),
      ],
      lines,
    ),
    note: '95 % intervals by Fisher’s z with the variance of Bonett and Wright; p by Student’s t. Soups share models, so they are less independent than both take them to be.',
  };
}

function sizeTests(result: PaperResult, lines: readonly Line[]): Table {
  const tested = lines.flatMap(({ candidates, sizeTest }) => (sizeTest ? [{ candidates, ...sizeTest }] : []));
  return {
    id: 'mann-whitney',
    title: 'Fig. 5: soups of many models against those of few, Mann-Whitney U',
    ...columnsAndRows<SizeTest & { candidates: string }>(
      [
        field('candidates', 'Candidates', 'text', ({ candidates }) => candidates),
        field('count_many', 'Soups of many', 'integer', ({ counts }) => counts.many),
        field('count_few', 'of few', 'integer', ({ counts }) => counts.few),
        field('mean_many', 'Mean of many', 'percent', ({ means }) => means.many),
        field('mean_few', 'of few', 'percent', ({ means }) => means.few),
        field('u', 'U', 'number', ({ u }) => u),
        field('p', 'p', 'p-value', ({ p }) => p),
        field('superiority', 'Many higher in', 'percent', ({ superiority }) => superiority),
      ],
      tested,
    ),
    note: `Many are more than ${Math.floor(result.pool.models.length / 2)} models. Two-sided, with corrections for ties and for continuity, exact for small samples without ties. The last column is U as a share of all pairs, ties counted half. The paper has p ≈ ${formatPValue(PUBLISHED_SIZE_P)} for more than 6 of 13 on ImageNet; p falls with the number of soups drawn and does not say how much the size matters.`,
  };
}
