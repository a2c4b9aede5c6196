import { alignColumns } from '@radin/core';
import { environmentText, markdownTable, percent } from '../table.js';
import { BUDGETS, meanStart } from './adaptive-starts.js';
import { meanRow } from './compare-estimates.js';
import type { EstimateRow, EstimatesResult, PoolEstimates, StartRow } from './result.js';

/** What the figures mean. */
export const ESTIMATES_LEGEND =
  'Means over the splits. ρ is Spearman’s rank correlation of the estimate with the real score of the soups, on validation, on test, and on validation within the fifth of the soups that are best there. Scores in percent: the real validation score of the soup that the estimate puts first, the best of the ten that it puts first, and the real test score of the first. Below, validation / test of what the adaptive search has chosen after B evaluations.';

const HEADS = ['', 'ρ validation', 'ρ test', 'ρ among the best', 'first', 'best of ten', 'test of the first'];

function lineOf({ estimate, validation, test, amongBest, first, bestOfTen, testOfFirst }: EstimateRow): string[] {
  const correlations = [validation, test, amongBest].map((value) => value.toFixed(2).replace('-', '−'));
  return [estimate, ...correlations, ...[first, bestOfTen, testOfFirst].map(percent)];
}

function titleOf({ pool, models, samples, classes, soups, best }: PoolEstimates): string {
  const { validation, test } = samples;
  return `${pool}: ${models} models, ${validation.toLocaleString('en')} + ${test.toLocaleString('en')} samples, ${classes} classes, ${soups.toLocaleString('en')} soups, the best of them ${percent(best)}`;
}

const START_HEADS = ['adaptive search that starts from', ...BUDGETS.map((budget) => `B = ${budget}`)];

function startLineOf({ start, scores }: StartRow): string[] {
  return [start, ...scores.map(({ validation, test }) => `${percent(validation)} / ${percent(test)}`)];
}

/** A pool's tables for a terminal. */
export function estimatesText(result: PoolEstimates): string {
  const [rows, starts] = [
    alignColumns([HEADS, ...result.rows.map(lineOf)]),
    alignColumns([START_HEADS, ...result.starts.map(startLineOf)]),
  ];
  return [titleOf(result), ...[...rows, '', ...starts].map((line) => `  ${line}`.trimEnd())].join('\n');
}

/** All tables as Markdown, the means over the pools first. */
export function estimatesMarkdown({ environment, splits, pools }: EstimatesResult): string {
  const rows = pools[0]?.rows ?? [];
  const means = rows.map((_, index) => meanRow(pools.map((pool) => pool.rows[index] as EstimateRow)));
  const starts = pools[0]?.starts ?? [];
  const meanStarts = starts.map((_, index) => meanStart(pools.map((pool) => pool.starts[index] as StartRow)));
  const section = (title: string, of: readonly EstimateRow[], from: readonly StartRow[]) =>
    [
      `**${title}**`,
      markdownTable([HEADS, ...of.map(lineOf)]),
      markdownTable([START_HEADS, ...from.map(startLineOf)]),
    ].join('\n\n');
  const head = `${environmentText(environment)}; ${splits} splits.`;
  return [
    head,
    ESTIMATES_LEGEND,
    section(`Mean over the ${pools.length} pools`, means, meanStarts),
    ...pools.map((pool) => section(titleOf(pool), pool.rows, pool.starts)),
  ].join('\n\n');
}
