import { alignColumns, formatPValue, pValueText } from '@radin/core';
import { environmentText, GAP, markdownTable } from '../table.js';
import { PUBLISHED_RHO, PUBLISHED_SIZE_P } from './published.js';
import type { Correlation, PaperResult, SizeTest } from './result.js';
import { costLines, percent, tableLines } from './table-text.js';

/** What the figures mean. */
export const PAPER_LEGEND =
  'Scores in percent, of soups that validation chose; oracles choose by test, which is cheating and an upper reference, and the logit ensemble is no soup: it costs N passes per sample. “Greedy with >” accepts as the released code of [4] (Wortsman et al. 2022) does, the recipe on ≥. ± is the standard deviation over the seeds of the candidates, the gap is validation minus test in points. Intervals are Wilson’s, of the mean score. “Better” and “worse” say in how many runs McNemar’s exact test on the reported split gives p < 0.05, against greedy at the same budget, or at the largest where the method has none. Evaluations are counted as in the paper; passes are full passes over the validation samples, those that cache the models’ logits or rank them included, and less than one for a soup that a race stopped; oracles’ are of the test split, by its samples. Stage 1 is everything but evaluations, the fastest of three searches.';

function headLine(result: PaperResult): string {
  const { pool, cost, allSubsets } = result;
  const { name, models, classes, samples } = pool;
  const counts = [samples.validation, samples.test].filter((count) => count !== undefined);
  const everySubset = allSubsets ? ` and all ${allSubsets.count.toLocaleString('en')} subsets` : '';
  return [
    `${name}: ${models.length} models`,
    `${counts.map((count) => count.toLocaleString('en')).join(' + ')} samples`,
    `${classes} classes`,
    candidatesText(result),
    `${cost.soups.toLocaleString('en')} soups${everySubset}, ${cost.evaluated.toLocaleString('en')} evaluated in this run`,
  ].join(', ');
}

function costLine({ cost }: PaperResult): string {
  const { secondsPerEvaluation, measured, threads } = cost;
  return secondsPerEvaluation === null
    ? `No evaluation was measured: all soups were remembered from runs that kept no time on ${threadsText(threads)}.`
    : `A pass over the validation samples takes ${(1000 * secondsPerEvaluation).toFixed(0)} ms on ${threadsText(threads)}, the mean of ${measured.toLocaleString('en')}, averaging included.`;
}

/** How many candidates there are: fewer than asked for where a pool has no more subsets. */
export function candidatesText({ seeds }: PaperResult): string {
  return `${seedsText(seeds.length)} of ${seeds[0]?.count} candidates`;
}

export function seedsText(seeds: number): string {
  return `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
}

function threadsText(threads: number): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** What Figs. 2, 5 and 6 say in numbers. */
export function statisticsLines(result: PaperResult): string[] {
  const { pooled, seeds, allSubsets, reported } = result;
  const { rhoWithoutPrior, rhoWithPrior, withoutPrior, withPrior, sizeTest, count } = pooled;
  const over = (spread: typeof rhoWithoutPrior) =>
    spread === null
      ? 'not defined'
      : `${decimal(spread.mean)} (${decimal(spread.min)} to ${decimal(spread.max)} over ${seedsText(seeds.length)})`;
  const first = seeds[0]?.sizeTest;
  return [
    `Spearman of the estimate on validation and the real score on ${reported}, ${seeds[0]?.count} candidates: without the prior ${over(rhoWithoutPrior)}, with it ${over(rhoWithPrior)}; the paper’s, on CIFAR-10: ${PUBLISHED_RHO.withoutPrior} and ${PUBLISHED_RHO.withPrior}`,
    `the same over all ${count.toLocaleString('en')} different candidates: ${correlationText(withoutPrior)}; with the prior ${correlationText(withPrior)}`,
    ...(first
      ? [
          `soups of more than ${first.few} models against the rest, seed 0: ${sizeTestText(first)}; the paper’s, more than 6 of 13 on ImageNet: p ≈ ${formatPValue(PUBLISHED_SIZE_P)}`,
        ]
      : []),
    ...(sizeTest ? [`the same over all different candidates: ${sizeTestText(sizeTest)}`] : []),
    ...(allSubsets
      ? [
          `all ${allSubsets.count.toLocaleString('en')} subsets: Spearman ${decimal(allSubsets.withoutPrior.rho)} without the prior, ${decimal(allSubsets.withPrior.rho)} with it${allSubsets.sizeTest ? `; a soup of many models scores higher than one of few in ${percent(allSubsets.sizeTest.superiority)} % of pairs` : ''}`,
        ]
      : []),
  ];
}

export function correlationText({ rho, p, lower, upper }: Correlation): string {
  if (rho === null) return 'not defined, one side does not vary';
  const interval = `${decimal(lower)} to ${decimal(upper)}`;
  return `${decimal(rho)} (${interval}${p === null ? '' : `, ${pValueText(p)}`})`;
}

export function sizeTestText({ counts, means, p, superiority, method }: SizeTest): string {
  const sides = `${percent(means.many)} against ${percent(means.few)} (${counts.many} and ${counts.few} soups)`;
  const test = p === null ? '' : `, Mann-Whitney U ${pValueText(p)}${method === 'exact' ? ', exact' : ''}`;
  return `${sides}${test}, higher in ${percent(superiority)} % of pairs`;
}

function decimal(value: number | null): string {
  return value === null ? '–' : value.toFixed(3).replace('-', '−');
}

/** The tables and statistics for a terminal. */
export function paperText(result: PaperResult): string {
  const table = (lines: readonly (readonly string[])[]) =>
    alignColumns(lines, GAP).map((line) => `  ${line}`.trimEnd());
  return [
    headLine(result),
    '',
    ...table(tableLines(result)),
    '',
    ...table(costLines(result)),
    `  ${costLine(result)}`,
    '',
    ...statisticsLines(result).map((line) => `  ${line}`),
    ...result.notices.map((notice) => `  note: ${notice}`),
  ].join('\n');
}

/** The same as Markdown, with the environment. */
export function paperMarkdown(result: PaperResult): string {
  return [
    `${environmentText(result.environment)}. ${headLine(result)}.`,
    PAPER_LEGEND,
    markdownTable(tableLines(result)),
    `${costLine(result)}`,
    markdownTable(costLines(result)),
    statisticsLines(result)
      .map((line) => `- ${line}.`)
      .join('\n'),
    ...result.notices.map((notice) => `Note: ${notice}.`),
  ].join('\n\n');
}
