import { type SearchReport, spearman } from '@radin/core';
import { chart, counted, MODELS, MOST_CANDIDATES, names, text } from '../blocks.js';
import { formatCell } from '../format-cell.js';
import type { Block, Table } from '../page.js';
import type { Scores } from '../scores.js';

const LEAST_POINTS = 3;

type Candidate = SearchReport['candidates'][number];

/** What is known of evaluated soups: real scores, and upper bounds of those that a race stopped. */
export function estimateCharts(report: SearchReport, scores: Scores): Block[] {
  const evaluated = report.candidates
    .filter(({ models, valScore, valScoreAtMost }) => models.length > 1 && (valScore ?? valScoreAtMost) !== undefined)
    .slice(0, MOST_CANDIDATES);
  const whole = evaluated.filter(({ valScore }) => valScore !== undefined);
  if (evaluated.length < LEAST_POINTS) {
    return text(
      `${counted(evaluated.length, 'soup')} of two or more models ${evaluated.length === 1 ? 'was' : 'were'} evaluated: too few to draw how estimates and real scores agree.`,
    );
  }
  const data = evaluatedTable(evaluated, scores);
  return [...rankChart(report, evaluated, data, scores), ...approximationChart(evaluated, whole, data, scores)];
}

function evaluatedTable(evaluated: readonly Candidate[], scores: Scores): Omit<Table, 'id' | 'title'> {
  return {
    columns: [
      { name: 'rank', title: 'Rank', format: 'integer' },
      scores.column('approxScore', 'Averaged logits'),
      scores.column('score', 'Soup'),
      { name: 'known', title: 'Evaluated', format: 'text' },
      { name: 'size', title: 'Size', format: 'integer' },
      MODELS,
    ],
    rows: evaluated.map(({ rank, approxScore, valScore, valScoreAtMost, models }) => [
      rank,
      approxScore,
      valScore ?? valScoreAtMost ?? null,
      valScore === undefined ? STOPPED : WHOLE,
      models.length,
      names(models),
    ]),
  };
}

/** How a soup was evaluated: of one that a race stopped, no more is known than what it scores at most. */
const [WHOLE, STOPPED] = ['in full', 'stopped early: scores this at most'];

/** Circles are scores, triangles that point down are the most that a soup can score. */
function known(isMixed: boolean): object {
  return isMixed
    ? {
        shape: {
          field: 'known',
          type: 'nominal',
          title: 'Evaluated',
          scale: { domain: [WHOLE, STOPPED], range: ['circle', 'triangle-down'] },
        },
        color: { field: 'known', type: 'nominal', title: 'Evaluated', sort: [WHOLE, STOPPED] },
        size: { condition: { test: { field: 'known', equal: STOPPED }, value: 110 }, value: 70 },
      }
    : {};
}

function rankChart(
  report: SearchReport,
  evaluated: readonly Candidate[],
  data: Omit<Table, 'id' | 'title'>,
  scores: Scores,
): Block[] {
  const isAdaptive = report.method === 'adaptive';
  const whole = evaluated.flatMap(({ valScore }) => (valScore === undefined ? [] : [valScore]));
  const stopped = evaluated.length - whole.length;
  const range =
    new Set(whole).size < 2
      ? ''
      : ` Scores go from ${scores.text(Math.min(...whole))} to ${scores.text(Math.max(...whole))}.`;
  return [
    chart({
      id: 'search-ranks',
      title: isAdaptive ? 'The soups in the order in which they were evaluated' : 'The soups by their rank in stage 1',
      description: `Real validation scores of ${evaluated.length === MOST_CANDIDATES ? 'the first ' : ''}${counted(evaluated.length, 'evaluated soup')} by ${isAdaptive ? 'the order of evaluation' : 'rank'}.${range}${stopped > 0 ? ` A race stopped ${counted(stopped, 'soup')} as soon as they could no longer be the best: triangles show the most that these can score.` : ''}`,
      details: MODELS.name,
      data,
      spec: {
        mark: { type: 'point' },
        encoding: {
          x: {
            field: 'rank',
            type: 'quantitative',
            title: isAdaptive ? 'Evaluation' : 'Rank by the estimate',
            axis: { tickMinStep: 1 },
          },
          y: { field: 'score', type: 'quantitative', scale: { zero: false }, ...scores.axis('Real validation score') },
          ...known(stopped > 0 && whole.length > 0),
        },
      },
    }),
  ];
}

function approximationChart(
  evaluated: readonly Candidate[],
  whole: readonly Candidate[],
  data: Omit<Table, 'id' | 'title'>,
  scores: Scores,
): Block[] {
  const approximate = whole.map(({ approxScore }) => approxScore);
  const real = whole.map(({ valScore }) => valScore as number);
  const rho = whole.length < LEAST_POINTS ? Number.NaN : spearman(approximate, real).rho;
  const correlation = Number.isNaN(rho)
    ? ''
    : ` Spearman’s ρ of the ${whole.length} soups evaluated in full is ${formatCell(Number(rho.toFixed(2)), 'number')}.`;
  const gap =
    whole.length === 0
      ? ''
      : ` Soups score ${scores.gain(median(real.map((score, at) => score - (approximate[at] as number))))} against their averaged logits (median).`;
  const scale = { type: 'quantitative', scale: { zero: false } } as const;
  const drawn = evaluated.map(({ approxScore }) => approxScore);
  const [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  const equal = { x: { datum: low }, y: { datum: low }, x2: { datum: high }, y2: { datum: high } };
  return [
    chart({
      id: 'search-approximation',
      title: 'Averaged logits against real scores',
      description: `Validation score of the averaged logits and of the soup itself, for ${counted(evaluated.length, 'evaluated soup')}.${correlation}${gap} On the dashed line both are equal. Evaluated soups are the most promising ones, among which scores differ little.`,
      details: MODELS.name,
      data,
      spec: {
        layer: [
          { mark: { type: 'rule', strokeDash: [4, 4] }, encoding: equal },
          {
            mark: { type: 'point' },
            encoding: {
              x: { field: 'approxScore', ...scale, ...scores.axis('Score of the averaged logits') },
              y: { field: 'score', ...scale, ...scores.axis('Real validation score') },
              ...known(whole.length > 0 && whole.length < evaluated.length),
            },
          },
        ],
      },
    }),
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
