import type { PoolReport } from '@radin/core';
import { chart, counted, MODELS, names, text } from '../blocks.js';
import type { Block, Cell } from '../page.js';
import { clusterOrder } from './cluster-order.js';
import { MOST_NAMED } from './in-soup.js';

/** How often two models predict different classes, models that agree side by side; of many models, means over groups of neighbours. */
export function disagreementChart(prefix: string, { models, disagreement }: PoolReport): Block[] {
  const size = models.length;
  if (disagreement === undefined || size < 2) return [];
  const { counts, samples } = disagreement;
  const share = (i: number, j: number) => (i === j ? 0 : (counts[Math.max(i, j)]?.[Math.min(i, j)] ?? 0) / samples);
  const name = (k: number) => models[k]?.model ?? '';
  if (size === 2)
    return text(
      `The two models predict different classes on ${percent(share(0, 1))} of ${counted(samples, 'sample')}.`,
    );
  const order = clusterOrder(size, share);
  const perGroup = Math.ceil(size / MOST_NAMED);
  const groups = Array.from({ length: Math.ceil(size / perGroup) }, (_, g) =>
    order.slice(g * perGroup, (g + 1) * perGroup),
  );
  const label = (group: readonly number[], at: number) =>
    perGroup === 1 ? `${at + 1} ${name(group[0] as number)}` : `group ${at + 1}`;
  const rows = groups.flatMap((row, i) =>
    groups.flatMap((column, j): Cell[][] => {
      const mean = meanShare(row, column, share);
      if (mean === undefined) return [];
      const both = i === j ? row : [...row, ...column];
      return [[label(row, i), perGroup === 1 ? `${j + 1}` : label(column, j), mean, names(both.map(name))]];
    }),
  );
  const { most, least, mean } = extremes(size, share);
  const labels = groups.map((group, at) => label(group, at));
  return [
    chart({
      id: `${prefix}-disagreement`,
      title: 'How often the models disagree',
      description: `Share of ${counted(samples, 'validation sample')} on which two models predict different classes: ${percent(mean)} on average, most ${name(most.i)} and ${name(most.j)} (${percent(share(most.i, most.j))}), least ${name(least.i)} and ${name(least.j)} (${percent(share(least.i, least.j))}). Models that agree stand together.${perGroup > 1 ? ` Each group is ${perGroup} models that agree most; its cells are means over pairs.` : ''}`,
      details: MODELS.name,
      data: {
        columns: [
          { name: 'first', title: perGroup === 1 ? 'Model' : 'Group', format: 'text' },
          { name: 'second', title: 'And', format: 'text' },
          { name: 'share', title: 'Disagree on', format: 'percent' },
          MODELS,
        ],
        rows,
      },
      spec: {
        height: { step: groups.length > 20 ? 14 : 24 },
        mark: { type: 'rect' },
        encoding: {
          y: { field: 'first', type: 'nominal', sort: labels, title: null },
          x: {
            field: 'second',
            type: 'nominal',
            sort: perGroup === 1 ? groups.map((_, at) => `${at + 1}`) : labels,
            title: null,
            axis: { labelAngle: perGroup === 1 ? 0 : -90 },
          },
          color: { field: 'share', type: 'quantitative', title: 'Disagree on', legend: { format: '.0%' } },
        },
      },
    }),
  ];
}

/** The pairs that disagree most and least, and the mean over all; without a list of them, as there may be millions. */
function extremes(size: number, share: (i: number, j: number) => number) {
  let [most, least] = [
    { i: 1, j: 0 },
    { i: 1, j: 0 },
  ];
  let sum = 0;
  for (let i = 1; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const here = share(i, j);
      sum += here;
      if (here > share(most.i, most.j)) most = { i, j };
      if (here < share(least.i, least.j)) least = { i, j };
    }
  }
  return { most, least, mean: (2 * sum) / (size * (size - 1)) };
}

/** Mean over the pairs of different models; undefined where there is none. */
function meanShare(
  row: readonly number[],
  column: readonly number[],
  share: (i: number, j: number) => number,
): number | undefined {
  let [sum, pairs] = [0, 0];
  for (const i of row) {
    for (const j of column) {
      if (i === j) continue;
      sum += share(i, j);
      pairs++;
    }
  }
  return pairs === 0 ? undefined : sum / pairs;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
