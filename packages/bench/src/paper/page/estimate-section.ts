import { Mixture, rankCandidates } from '@radin/core';
import type { Chart, Section } from '@radin/report';
import { PUBLISHED_RHO } from '../published.js';
import type { CandidateScores, PaperResult, RankScores, SeedCandidates } from '../result.js';
import { correlationText, seedsText } from '../text.js';
import { columnsAndRows, type Field, field } from './columns.js';
import { modelLines, scoreChannel, scoreTitle } from './scores-of.js';

/** Figs. 2 and 3: how well the fast estimate orders the candidates. */
export function estimateSection(result: PaperResult): Section {
  const candidates = firstCandidates(result);
  if (candidates.length < FEWEST_DRAWN) {
    const text = `Figs. 2 and 3 need ${FEWEST_DRAWN} candidates or more; a pool of ${result.pool.models.length} has ${candidates.length}.`;
    return { id: 'estimate', title: 'Figs. 2 and 3: the fast estimate', blocks: [{ kind: 'text', text }] };
  }
  return {
    id: 'estimate',
    title: 'Figs. 2 and 3: the fast estimate',
    blocks: [
      { kind: 'chart', chart: estimateChart(result, false) },
      { kind: 'chart', chart: estimateChart(result, true) },
      { kind: 'chart', chart: rankChart(result) },
      { kind: 'chart', chart: rankMeans(result) },
    ],
  };
}

/** Candidates of seed 0 that are drawn: a third of a second’s work, and more than an eye tells apart. */
const MOST_DRAWN = 2000;
/** Fewer points are no chart. */
const FEWEST_DRAWN = 3;

function firstCandidates({ seeds }: PaperResult): readonly CandidateScores[] {
  return seeds[0]?.candidates?.slice(0, MOST_DRAWN) ?? [];
}

/** Whose ρ the paper gives on CIFAR-10. */
function rhoText(rho: number | null, published: number): string {
  return `ρ = ${rho === null ? 'not defined' : rho.toFixed(3).replace('-', '−')} (the paper: ${published})`;
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
  const seed = result.seeds[0] as SeedCandidates;
  const found = withPrior ? seed.withPrior : seed.withoutPrior;
  const which = withPrior ? 'withPrior' : 'withoutPrior';
  const title = `Fig. 2: estimate ${withPrior ? `with the prior, λ = ${lambda},` : 'without the prior'} and real score, ${rhoText(found.rho, PUBLISHED_RHO[which])}`;
  return {
    id,
    title,
    description: `${scoreTitle(result)} of ${firstCandidates(result).length.toLocaleString('en')} soups of seed 0 against the accuracy of their averaged logits on validation${withPrior ? ` plus ${lambda} for each model` : ''}, each marked by its number of models. Spearman’s ρ of the ${seed.count.toLocaleString('en')} candidates: ${correlationText(found)}; the paper’s 200 on CIFAR-10: ${PUBLISHED_RHO[which]}.`,
    spec: {
      encoding: {
        x: withPrior
          ? { field: 'prior_estimate', type: 'quantitative', scale: { zero: false } }
          : scoreChannel('estimate', 'Estimate on validation'),
        y: scoreChannel('score', scoreTitle(result)),
        text: { field: 'size', type: 'quantitative' },
        color: { field: 'size', type: 'quantitative' },
      },
      height: 380,
      mark: { type: 'text', fontWeight: 'bold' },
    },
    data: { id, title, ...columnsAndRows(candidateFields(result), firstCandidates(result)) },
    details: 'details',
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
  const title = `Fig. 3: real score in the order of the estimate; ${tenths(result.ranks)}`;
  return {
    id: 'fig-3',
    title,
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
      title,
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

/** Means over the seeds of the first and the last tenth of the places. */
function tenthMeans(ranks: readonly RankScores[]): [first: string, last: string] {
  const tenth = Math.ceil(ranks.length / 10);
  const mean = (some: readonly RankScores[]) => {
    return `${((100 * some.reduce((sum, { withoutPrior }) => sum + withoutPrior.mean, 0)) / some.length).toFixed(2)} %`;
  };
  return [mean(ranks.slice(0, tenth)), mean(ranks.slice(-tenth))];
}

function tenths(ranks: readonly RankScores[]): string {
  const [first, last] = tenthMeans(ranks);
  return `first tenth ${first}, last ${last}`;
}

function firstAndLast(ranks: readonly RankScores[]): string {
  const [first, last] = tenthMeans(ranks);
  return `Without the prior the first tenth of the places has ${first} on average over the seeds, the last ${last}.`;
}

/** At most so many places, evenly spaced. */
const MOST_PLACES = 1000;

function rankMeans(result: PaperResult): Chart {
  const step = Math.ceil(result.ranks.length / MOST_PLACES);
  const places = result.ranks.filter((_, index) => index % step === 0);
  const rows = places.flatMap(({ rank, withoutPrior, withPrior }) => [
    { rank, order: 'without the prior', ...withoutPrior },
    { rank, order: `λ = ${result.settings.lambda}`, ...withPrior },
  ]);
  return {
    id: 'fig-3-seeds',
    title: 'Fig. 3 over the seeds: mean score by place in the order of the estimate',
    description: `Mean ${scoreTitle(result).toLowerCase()} over ${seedsText(result.settings.seeds)} of the candidate at each place in the order of the estimate, and from the lowest to the highest seed as a band. ${firstAndLast(result.ranks)}`,
    spec: {
      encoding: {
        x: { field: 'rank', type: 'quantitative' },
        color: { field: 'order', type: 'nominal', title: null, sort: [...new Set(rows.map((row) => row.order))] },
      },
      layer: [
        {
          mark: { type: 'area', opacity: 0.15 },
          encoding: { y: scoreChannel('least', scoreTitle(result)), y2: { field: 'most', title: scoreTitle(result) } },
        },
        { mark: { type: 'line', strokeWidth: 1.5 }, encoding: { y: scoreChannel('mean', scoreTitle(result)) } },
      ],
    },
    data: {
      id: 'fig-3-seeds',
      title: 'Fig. 3 over the seeds: mean score by place in the order of the estimate',
      ...columnsAndRows<(typeof rows)[number]>(
        [
          field('order', 'Order', 'text', (row) => row.order),
          field('rank', 'Place in the order of the estimate', 'integer', ({ rank }) => rank),
          field('mean', 'Mean', 'percent', ({ mean }) => mean),
          field('sd', 'sd', 'percent', ({ deviation }) => deviation),
          field('least', 'Least', 'percent', ({ min }) => min),
          field('most', 'Most', 'percent', ({ max }) => max),
        ],
        rows,
      ),
    },
  };
}
