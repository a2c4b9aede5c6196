import type { PoolReport } from '@radin/core';
import { chart, counted, MODELS, names, text } from '../blocks.js';
import { formatCell } from '../format-cell.js';
import type { Block, Cell, ChartSpec } from '../page.js';
import { LIGHT } from '../theme.js';
import { clusterOrder } from './cluster-order.js';
import { heatScale } from './heat-scale.js';
import { MOST_NAMED } from './in-soup.js';
import { shortNames } from './short-names.js';

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
  const named = perGroup === 1 ? order.map(name) : [];
  return [
    chart({
      id: `${prefix}-disagreement`,
      title: 'How often the models disagree',
      description: `Share of ${counted(samples, 'validation sample')} on which two models predict different classes: ${percent(mean)} on average, most ${name(most.i)} and ${name(most.j)} (${percent(share(most.i, most.j))}), least ${name(least.i)} and ${name(least.j)} (${percent(share(least.i, least.j))}). Models that agree stand together; the scale of colours is wider where most pairs are.${perGroup > 1 ? ` Each group is ${perGroup} models that agree most; its cells are means over pairs.` : ''}`,
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
      spec: heatMap(
        rows.map((row) => row[2] as number),
        { first: labels, second: perGroup === 1 ? groups.map((_, at) => `${at + 1}`) : labels, named },
      ),
    }),
  ];
}

/** Cells of which each has room for its number, in pixels, and models of which all have it on a wide window. */
const NUMBERED = { width: 26, most: 20 };

/** @param named the names in the labels, where these are models */
function heatMap(
  shares: readonly number[],
  {
    first,
    second,
    named,
  }: { readonly first: readonly string[]; readonly second: readonly string[]; readonly named: readonly string[] },
): ChartSpec {
  const size = first.length;
  const { low, exponent, middle, ticks } = heatScale(shares);
  const cells = {
    mark: { type: 'rect' },
    encoding: {
      color: {
        field: 'above',
        type: 'quantitative',
        title: 'Disagree on',
        scale: { type: 'pow', exponent, zero: true, nice: false },
        legend: {
          values: ticks.map((share) => share - low),
          labelExpr: `format(datum.value + ${low}, '.2~p')`,
          gradientLength: 300,
        },
      },
    },
  } as const;
  const numbers = {
    mark: { type: 'text' },
    encoding: {
      text: { value: { expr: "format(100 * datum.share, '.2~r')" } },
      color: { condition: { test: { field: 'share', gt: middle }, value: LIGHT.onMuch }, value: LIGHT.onLittle },
      opacity: { condition: { test: `width < ${NUMBERED.width * size}`, value: 0 }, value: 1 },
    },
  } as const;
  return {
    transform: [{ calculate: `datum.share - ${low}`, as: 'above' }],
    height: { step: size > NUMBERED.most ? 14 : 24 },
    encoding: {
      y: { field: 'first', type: 'nominal', sort: [...first], title: null, axis: shortNames(named, true) },
      x: {
        field: 'second',
        type: 'nominal',
        sort: [...second],
        title: null,
        axis: { labelAngle: named.length > 0 ? 0 : -90, labelOverlap: true },
      },
    },
    layer: size > NUMBERED.most ? [cells] : [cells, numbers],
  } as unknown as ChartSpec;
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
  return formatCell(share, 'percent');
}
