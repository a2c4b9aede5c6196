import type { ExplanationReport } from '@radin/core';
import { chart, counted, table } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import type { Scores } from '../scores.js';
import { inSoup, MOST_NAMED, SOUP, SOUP_ENCODING, soupLast } from './in-soup.js';
import { shortNames } from './short-names.js';

/** What each model is worth to the ensemble of all. */
export function modelValues(
  prefix: string,
  explanation: ExplanationReport,
  soup: ReadonlySet<string>,
  scores: Scores,
): Block[] {
  const { models, method, subsets, samples, inclusionAmong, ensembleScore, emptyScore } = explanation;
  if (models.length < 3) return [];
  const isSampled = method === 'sampled';
  const [highest, lowest] = [models[0], models.at(-1)] as [(typeof models)[number], (typeof models)[number]];
  const how = isSampled
    ? `estimated from ${counted(subsets, 'subset')}${samples === undefined ? '' : ` on ${counted(samples, 'sample')}`}, bars are one standard error to each side`
    : `exact, from all ${counted(subsets, 'subset')}`;
  const rows = models.map((one): Cell[] => [
    one.model,
    one.score,
    one.shapley,
    ...(isSampled
      ? [one.shapleyError ?? null, one.shapley - (one.shapleyError ?? 0), one.shapley + (one.shapleyError ?? 0)]
      : []),
    one.leaveOneOut,
    ...(one.leaveOneOutError === undefined ? [] : [one.leaveOneOutError]),
    one.inclusion,
    one.expectedInclusion,
    inSoup(soup, one.model),
  ]);
  const isNamed = models.length <= MOST_NAMED;
  const names = models.map(({ model }) => model);
  const [along, across] = isNamed ? (['x', 'y'] as const) : (['y', 'x'] as const);
  const value = { type: 'quantitative', ...scores.gainAxis('Shapley value') } as const;
  const place = isNamed
    ? ({ field: 'model', type: 'nominal', sort: names, title: null, axis: shortNames(names) } as const)
    : ({
        field: 'score',
        type: 'quantitative',
        scale: { zero: false },
        ...scores.axis('Validation score alone'),
      } as const);
  const zero = { mark: { type: 'rule' }, encoding: { [along]: { datum: 0 } } } as const;
  const bars = {
    mark: { type: 'rule' },
    encoding: {
      [along]: { field: 'low', ...value },
      [`${along}2`]: { field: 'high' },
      [across]: place,
      ...SOUP_ENCODING,
    },
  } as const;
  const points = {
    mark: { type: 'point' },
    encoding: { [along]: { field: 'shapley', ...value }, [across]: place, ...SOUP_ENCODING },
  } as const;
  return [
    chart({
      id: `${prefix}-values`,
      title: 'What the models are worth to the ensemble of all',
      description: `Shapley value of each model, ${how}: what it adds to the averaged logits, averaged over all orders of the models. Highest: ${highest.model}, ${scores.gain(highest.shapley)}; lowest: ${lowest.model}, ${scores.gain(lowest.shapley)}. They add up to what the ensemble of all, ${scores.text(ensembleScore)}, gains over a model picked blindly, ${scores.text(emptyScore)}. Beside them: what leaving the model out of the ensemble costs, and the share of the best ${inclusionAmong.best.toLocaleString('en')} of ${counted(inclusionAmong.candidates, 'candidate')} that contain it, with the share of all that do.`,
      details: 'model',
      data: {
        columns: [
          { name: 'model', title: 'Model', format: 'text' },
          scores.column('score', 'Alone'),
          scores.gainColumn('shapley', 'Shapley'),
          ...(isSampled
            ? [scores.gainColumn('error', '± error'), scores.gainColumn('low', 'From'), scores.gainColumn('high', 'To')]
            : []),
          scores.gainColumn('leaveOneOut', 'Left out'),
          ...(highest.leaveOneOutError === undefined ? [] : [scores.gainColumn('leaveOneOutError', '± error')]),
          { name: 'inclusion', title: 'Among the best', format: 'percent' },
          { name: 'expectedInclusion', title: 'Among all', format: 'percent' },
          SOUP,
        ],
        rows: isNamed ? rows : soupLast(rows),
      },
      spec: { layer: [zero, ...(isSampled ? [bars] : []), points] } as Parameters<typeof chart>[0]['spec'],
    }),
    ...pairs(prefix, explanation, scores),
  ];
}

/** The pairs that bring most together, or least. */
function pairs(prefix: string, { helpfulPairs, harmfulPairs }: ExplanationReport, scores: Scores): Block[] {
  const all = [...helpfulPairs, ...harmfulPairs.toReversed()];
  if (all.length === 0) return [];
  const isSampled = all.some(({ error }) => error !== undefined);
  return [
    table({
      id: `${prefix}-pairs`,
      title: 'Pairs that help and pairs that hurt',
      columns: [
        { name: 'first', title: 'Model', format: 'text' },
        { name: 'second', title: 'And', format: 'text' },
        scores.gainColumn('interaction', 'Interaction'),
        ...(isSampled ? [scores.gainColumn('error', '± error')] : []),
      ],
      rows: all.map(({ models, interaction, error }) => [
        models[0] ?? '',
        models[1] ?? '',
        interaction,
        ...(isSampled ? [error ?? null] : []),
      ]),
      note: 'How much more, or less, two models bring to the averaged logits together than each alone. A bad model’s harm is smaller in company, so read this beside the two models’ own values.',
    }),
  ];
}
