import type { SearchReport } from '@radin/core';
import { chart, counted, MODELS, MOST_CANDIDATES, names, text } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import type { Scores } from '../scores.js';

const LEAST_POINTS = 3;
/** Sizes that have a column each, in which both kinds of score stand side by side. */
const MOST_COLUMNS = 30;
const KINDS = ['averaged logits', 'soup'];

/** Scores of the listed candidates by the number of models: of averaged logits, and real ones where soups were evaluated. */
export function scoresBySize(report: SearchReport, scores: Scores): Block[] {
  const candidates = report.candidates.filter(({ models }) => models.length > 1).slice(0, MOST_CANDIDATES);
  const sizes = new Set(candidates.map(({ models }) => models.length));
  if (candidates.length < LEAST_POINTS || sizes.size < 2) {
    return text(
      `${counted(candidates.length, 'candidate')} of two or more models ${candidates.length === 1 ? 'is' : 'are'} listed: too few to draw scores by size.`,
    );
  }
  const row = (kind: string, { models }: (typeof candidates)[number], score: number): Cell[] => [
    models.length,
    kind,
    score,
    names(models),
  ];
  // Soups come last and are drawn over the others.
  const rows = [
    ...candidates.map((one) => row('averaged logits', one, one.approxScore)),
    ...candidates.flatMap((one) => (one.valScore === undefined ? [] : [row('soup', one, one.valScore)])),
  ];
  const whole = candidates.filter(({ valScore }) => valScore !== undefined).length;
  const all =
    report.scored > candidates.length
      ? `the first ${candidates.length} by rank of ${counted(report.scored, 'candidate')}`
      : `all ${counted(candidates.length, 'candidate')}`;
  const extremes = [...sizes].sort((a, b) => a - b);
  return [
    chart({
      id: 'search-sizes',
      title: 'Scores by the number of models',
      description: `Validation scores by size for ${all}, of ${extremes[0]} to ${counted(extremes.at(-1) as number, 'model')}: of the averaged logits, and of the soup for the ${whole} that were evaluated in full. The chosen soup has ${counted(report.best.models.length, 'model')}.`,
      details: MODELS.name,
      data: {
        columns: [
          { name: 'size', title: 'Models in the soup', format: 'integer' },
          { name: 'kind', title: 'Of', format: 'text' },
          scores.column('score', 'Validation'),
          MODELS,
        ],
        rows,
      },
      spec: {
        mark: { type: 'point' },
        encoding: {
          ...((extremes.at(-1) as number) - (extremes[0] as number) <= MOST_COLUMNS
            ? {
                x: { field: 'size', type: 'ordinal', title: 'Models in the soup', axis: { labelAngle: 0 } },
                xOffset: { field: 'kind', type: 'nominal', sort: KINDS },
              }
            : { x: { field: 'size', type: 'quantitative', title: 'Models in the soup', axis: { tickMinStep: 1 } } }),
          y: { field: 'score', type: 'quantitative', scale: { zero: false }, ...scores.axis('Validation score') },
          color: { field: 'kind', type: 'nominal', title: 'Score of', scale: { domain: KINDS } },
          // Hundreds of candidates lie over each other.
          opacity: { field: 'kind', type: 'nominal', title: 'Score of', scale: { domain: KINDS, range: [0.35, 1] } },
        },
      },
    }),
  ];
}
