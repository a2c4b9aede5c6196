import { alignColumns } from '@radin/core';
import { environmentText, GAP, markdownTable, percent } from '../table.js';
import type { Cell, Difference, PoolResult, StrategiesResult } from './result.js';

/** What the figures mean. */
export const STRATEGIES_LEGEND =
  'Scores in percent, means over all splits and seeds. Differences are the strategy compared with minus the other, in points, ± the standard error over splits, * where p < 0.01 by the sign-flip test; splits of one pool share samples, so both speak of splitting these samples anew. In parentheses the standard error of a test difference over samples, which speaks of other samples.';

type Shape = Pick<StrategiesResult, 'budgets' | 'against'>;

interface Table {
  readonly title: string;
  readonly lines: readonly (readonly string[])[];
}

function tablesOf({ cells, reach, bestKnown }: PoolResult, { budgets, against }: Shape): Table[] {
  const names = [...new Set(cells.map(({ strategy }) => strategy))];
  const heads = budgets.map((budget) => `B = ${budget}`);
  const perBudget = (title: string, shown: readonly string[], text: (cell: Cell) => string): Table => ({
    title,
    lines: [
      ['', ...heads],
      ...shown.map((name) => [
        name,
        ...budgets.map((budget) => {
          const cell = cells.find((one) => one.strategy === name && one.budget === budget);
          return cell === undefined ? '' : text(cell);
        }),
      ]),
    ],
  });
  const others = names.filter((name) => name !== against);
  const { valScore, testScore, highestTestScore } = bestKnown;
  const scores = perBudget(
    'Validation / test',
    names,
    (cell) => `${percent(cell.valScore)} / ${percent(cell.testScore)}`,
  );
  const best = `${percent(valScore)} / ${percent(testScore)}`;
  const known = [
    ['best known on validation', ...budgets.map(() => best)],
    ['best known on test', ...budgets.map(() => percent(highestTestScore))],
  ];
  return [
    { ...scores, lines: [...scores.lines, ...known] },
    perBudget(`${against} minus the other, validation`, others, ({ difference }) => points(difference?.validation)),
    perBudget(`${against} minus the other, test`, others, ({ difference }) =>
      difference === undefined
        ? ''
        : `${points(difference.test)} (${(100 * difference.test.samplingError).toFixed(2)})`,
    ),
    ...(cells.some(({ passes }) => passes !== undefined)
      ? [perBudget('Full passes over the validation samples', names, ({ passes }) => passes?.toFixed(1) ?? '')]
      : []),
    {
      title: `Evaluations until a soup is within 0.1 points of the best known on validation, of at most ${Math.max(...budgets)}`,
      lines: [
        ['', 'runs that come there', 'median', 'mean, at least'],
        ...reach.map(({ strategy, reached, median, mean }) => [
          strategy,
          `${(100 * reached).toFixed(0)} %`,
          median === null ? '–' : String(median),
          mean.toFixed(1),
        ]),
      ],
    },
  ];
}

function poolTitle({ pool, models, classes, samples, noisyLabels, bestKnown }: PoolResult): string {
  const { soups, exhaustive } = bestKnown;
  return [
    `${pool}: ${models} models`,
    `${samples.validation.toLocaleString('en')} + ${samples.test.toLocaleString('en')} samples`,
    `${classes} classes`,
    ...(noisyLabels ? ['noisy labels in the validation'] : []),
    `${soups.toLocaleString('en')} soups known${exhaustive ? ' (all uniform subsets)' : ''}`,
  ].join(', ');
}

/** A pool's tables for a terminal. */
export function poolText(result: PoolResult, shape: Shape): string {
  return [
    poolTitle(result),
    ...tablesOf(result, shape).map(({ title, lines }) => `\n  ${title}\n${aligned(lines)}`),
  ].join('\n');
}

/** All pools' tables as Markdown. */
export function strategiesMarkdown(result: StrategiesResult): string {
  const { environment, seeds, splits, pools } = result;
  const sections = pools.map((pool) => {
    const tables = tablesOf(pool, result).map(({ title, lines }) => `${title}:\n\n${markdownTable(lines)}`);
    return [`**${poolTitle(pool)}**`, ...tables].join('\n\n');
  });
  const head = `${environmentText(environment)}; ${seeds} seeds, ${splits} splits.`;
  return [head, STRATEGIES_LEGEND, ...sections].join('\n\n');
}

function points(difference: Difference | undefined): string {
  if (difference === undefined) return '';
  const { mean, standardError, p } = difference;
  const sign = mean < 0 ? '−' : '+';
  return `${sign}${(100 * Math.abs(mean)).toFixed(2)} ± ${(100 * standardError).toFixed(2)}${p < 0.01 ? '*' : ''}`;
}

function aligned(lines: readonly (readonly string[])[]): string {
  return alignColumns(lines, GAP)
    .map((line) => `    ${line}`)
    .join('\n');
}
