import { Mixture, rankCandidates } from '@radin/core';
import type { Chart, Section, Table } from '@radin/report';
import type { CandidateScores, Correlation, PaperResult, RankScores, SeedCandidates } from '../result.js';
import { correlationText, seedsText } from '../text.js';
import { columnsAndRows, type Field, field } from './columns.js';
import { modelLines, scoreChannel, scoreTitle } from './scores-of.js';

/** Figs. 2 and 3: how well the fast estimate orders the candidates. */
export function estimateSection(result: PaperResult): Section {
  return {
    id: 'estimate',
    title: 'Figs. 2 and 3: the fast estimate',
    blocks: [
      { kind: 'chart', chart: estimateChart(result, false) },
      { kind: 'chart', chart: estimateChart(result, true) },
      { kind: 'table', table: correlations(result) },
      { kind: 'chart', chart: rankChart(result) },
      { kind: 'chart', chart: rankMeans(result) },
    ],
  };
}

function firstCandidates({ seeds }: PaperResult): readonly CandidateScores[] {
  return seeds[0]?.candidates ?? [];
}

function candidateFields(result: PaperResult): Field<CandidateScores>[] {
  const { lambda } = result.settings;
  return [
    field('size', 'Models', 'integer', ({ models }) => models.length),
    field('estimate', 'Estimate on validation', 'percent', ({ approx }) => approx),
    field(
      'prior_estimate',
      `Estimate with the prior, λ = ${lambda}`,
      'number',
      ({ approx, models }) => approx + lambda * models.length,
    ),
    field('validation', 'Validation accuracy', 'percent', ({ validation }) => validation),
    field('score', scoreTitle(result), 'percent', ({ test, validation }) => test ?? validation),
    field('details', 'Soup', 'text', ({ models }) => modelLines(result, models)),
  ];
}

function estimateChart(result: PaperResult, withPrior: boolean): Chart {
  const id = withPrior ? 'fig-2-prior' : 'fig-2';
  const { lambda } = result.settings;
  const title = `Fig. 2: estimate ${withPrior ? `with the prior, λ = ${lambda},` : ''} and real score`.replace(
    /,? and/,
    ' and',
  );
  const seed = result.seeds[0] as SeedCandidates;
  const found = withPrior ? seed.withPrior : seed.withoutPrior;
  return {
    id,
    title,
    description: `${scoreTitle(result)} of ${seed.count} soups of seed 0 against the accuracy of their averaged logits on validation${withPrior ? ` plus ${lambda} for each model` : ''}, each marked by its number of models. Spearman’s ρ: ${correlationText(found)}.`,
    spec: {
      encoding: {
        x: withPrior
          ? { field: 'prior_estimate', type: 'quantitative', scale: { zero: false } }
          : scoreChannel('estimate', 'Estimate on validation'),
        y: scoreChannel('score', scoreTitle(result)),
        text: { field: 'size', type: 'quantitative' },
        color: { field: 'size', type: 'quantitative' },
      },
      mark: { type: 'text', fontWeight: 'bold' },
    },
    data: { id, title, ...columnsAndRows(candidateFields(result), firstCandidates(result)) },
    details: 'details',
  };
}

function correlations(result: PaperResult): Table {
  const { seeds, pooled } = result;
  interface Line {
    readonly candidates: string;
    readonly count: number;
    readonly withoutPrior: Correlation;
    readonly withPrior: Correlation;
  }
  const lines: Line[] = [
    ...seeds.map((seed) => ({ ...seed, candidates: `seed ${seed.seed}` })),
    { ...pooled, candidates: 'all different candidates' },
    ...(result.allSubsets ? [{ ...result.allSubsets, candidates: 'all subsets' }] : []),
  ];
  const means = [pooled.rhoWithoutPrior, pooled.rhoWithPrior].map((spread) =>
    spread === null ? 'not defined' : `${spread.mean.toFixed(3)} ± ${spread.deviation.toFixed(3)}`,
  );
  return {
    id: 'spearman',
    title: 'Spearman’s rank correlation of estimate and real score',
    ...columnsAndRows<Line>(
      [
        field('candidates', 'Candidates', 'text', ({ candidates }) => candidates),
        field('count', 'Soups', 'integer', ({ count }) => count),
        field('rho', 'ρ without the prior', 'number', ({ withoutPrior }) => withoutPrior.rho),
        field('lower', 'from', 'number', ({ withoutPrior }) => withoutPrior.lower),
        field('upper', 'to', 'number', ({ withoutPrior }) => withoutPrior.upper),
        field('p', 'p', 'p-value', ({ withoutPrior }) => withoutPrior.p),
        field('rho_prior', 'ρ with the prior', 'number', ({ withPrior }) => withPrior.rho),
        field('lower_prior', 'from', 'number', ({ withPrior }) => withPrior.lower),
        field('upper_prior', 'to', 'number', ({ withPrior }) => withPrior.upper),
        field('p_prior', 'p', 'p-value', ({ withPrior }) => withPrior.p),
      ],
      lines,
    ),
    note: `Mean over the seeds: ${means[0]} without the prior, ${means[1]} with it. 95 % intervals by Fisher’s z with the variance of Bonett and Wright; p by Student’s t. Soups share models, so they are less independent than both take them to be.`,
  };
}

function rankChart(result: PaperResult): Chart {
  const { lambda } = result.settings;
  const candidates = firstCandidates(result);
  const mixtures = candidates.map(({ models }) => Mixture.uniform(result.pool.models.length, models));
  const approx = Float64Array.from(candidates, (candidate) => candidate.approx);
  const order = (prior: number) =>
    rankCandidates(mixtures, approx, prior).map(({ mixture, rank }) => ({
      ...(candidates[mixtures.indexOf(mixture)] as CandidateScores),
      rank,
      order: prior === 0 ? 'without the prior' : `λ = ${prior}`,
    }));
  const rows = [...order(0), ...order(lambda)];
  return {
    id: 'fig-3',
    title: 'Fig. 3: candidates in the order of their estimate',
    description: `${scoreTitle(result)} of the ${candidates.length} candidates of seed 0 in the order of their fast estimate, best first, without the prior and with it. ${firstAndLast(result.ranks)}`,
    spec: {
      mark: 'point',
      encoding: {
        x: { field: 'rank', type: 'quantitative' },
        y: scoreChannel('score', scoreTitle(result)),
        color: { field: 'order', type: 'nominal', title: null, sort: [...new Set(rows.map((row) => row.order))] },
        shape: { field: 'order', type: 'nominal', title: null, sort: [...new Set(rows.map((row) => row.order))] },
      },
    },
    data: {
      id: 'fig-3',
      title: 'Fig. 3: candidates in the order of their estimate',
      ...columnsAndRows<(typeof rows)[number]>(
        [
          field('order', 'Order', 'text', (row) => row.order),
          field('rank', 'Place in the order of the estimate', 'integer', ({ rank }) => rank),
          ...candidateFields(result),
        ],
        rows,
      ),
    },
    details: 'details',
  };
}

/** Means over the seeds of the first and the last tenth. */
function firstAndLast(ranks: readonly RankScores[]): string {
  const tenth = Math.ceil(ranks.length / 10);
  const mean = (some: readonly RankScores[]) => {
    return `${((100 * some.reduce((sum, { withoutPrior }) => sum + withoutPrior.mean, 0)) / some.length).toFixed(2)} %`;
  };
  return `Without the prior the first tenth has ${mean(ranks.slice(0, tenth))} on average over the seeds, the last ${mean(ranks.slice(-tenth))}.`;
}

function rankMeans(result: PaperResult): Chart {
  const rows = result.ranks.flatMap(({ rank, withoutPrior, withPrior }) => [
    { rank, order: 'without the prior', ...withoutPrior },
    { rank, order: `λ = ${result.settings.lambda}`, ...withPrior },
  ]);
  return {
    id: 'fig-3-seeds',
    title: 'Fig. 3 over the seeds: mean score by place in the order',
    description: `Mean ${scoreTitle(result).toLowerCase()} over ${seedsText(result.settings.seeds)} of the candidate at each place in the order of the estimate, with one standard deviation. ${firstAndLast(result.ranks)}`,
    spec: {
      encoding: {
        x: { field: 'rank', type: 'quantitative' },
        color: { field: 'order', type: 'nominal', title: null, sort: [...new Set(rows.map((row) => row.order))] },
      },
      layer: [
        {
          mark: { type: 'area', opacity: 0.15 },
          encoding: { y: scoreChannel('below', scoreTitle(result)), y2: { field: 'above', title: scoreTitle(result) } },
        },
        { mark: { type: 'line', strokeWidth: 1.5 }, encoding: { y: scoreChannel('mean', scoreTitle(result)) } },
      ],
    },
    data: {
      id: 'fig-3-seeds',
      title: 'Fig. 3 over the seeds',
      ...columnsAndRows<(typeof rows)[number]>(
        [
          field('order', 'Order', 'text', (row) => row.order),
          field('rank', 'Place in the order of the estimate', 'integer', ({ rank }) => rank),
          field('mean', 'Mean', 'percent', ({ mean }) => mean),
          field('below', 'Mean − sd', 'percent', ({ mean, deviation }) => mean - deviation),
          field('above', 'Mean + sd', 'percent', ({ mean, deviation }) => mean + deviation),
          field('least', 'Least', 'percent', ({ min }) => min),
          field('most', 'Most', 'percent', ({ max }) => max),
        ],
        rows,
      ),
    },
  };
}
