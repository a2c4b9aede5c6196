import { titleOf } from './methods.js';
import type { PaperResult, PaperRow, SignificantRuns, Spread } from './result.js';

/** The mean, and the deviation where there are several runs: `95.12 ± 0.34`. */
export function scoreText({ mean, deviation }: Spread, runs: number): string {
  const score = (100 * mean).toFixed(2);
  return runs > 1 ? `${score} ± ${(100 * deviation).toFixed(2)}` : score;
}

/** The lines of Table 1, its header first. */
export function tableLines({ rows, reported, settings }: PaperResult): string[][] {
  const hasTest = reported === 'test';
  const several = rows.some(({ runs }) => runs > 1);
  return [
    [
      'method',
      'B',
      'validation',
      ...(hasTest ? ['test', 'gap'] : []),
      ...(several ? ['least to most'] : []),
      `${(100 * settings.confidence).toFixed(0)} % interval`,
      'models',
      'against the best individual',
      'against greedy',
    ],
    ...rows.map((row) => {
      const { method, budget, runs, validation, test, gap, interval, models } = row;
      const shown = test ?? validation;
      return [
        titleOf(method),
        budget === null ? '–' : String(budget),
        scoreText(validation, runs),
        ...(hasTest
          ? [test === undefined ? '' : scoreText(test, runs), gap === undefined ? '' : points(gap.mean)]
          : []),
        ...(several ? [runs > 1 ? range(shown) : ''] : []),
        `${percent(interval.lower)}–${percent(interval.upper)}`,
        models.min === models.max ? String(models.min) : models.mean.toFixed(1),
        significanceText(row.versusBestIndividual),
        significanceText(row.versusGreedy),
      ];
    }),
  ];
}

/** The lines of the table of costs. */
export function costLines({ rows }: PaperResult): string[][] {
  return [
    [
      'method',
      'B',
      'evaluations',
      'forward passes, caching included',
      'stage 1, s (measured)',
      'passes, s (mean × number)',
    ],
    ...rows.map(({ method, budget, evaluations, passes, stage1Seconds, evaluationSeconds }) => [
      titleOf(method),
      budget === null ? '–' : String(budget),
      number(evaluations.mean),
      number(passes.mean),
      // Who evaluates everything has no stage 1.
      stage1Seconds.max === 0 ? '–' : stage1Seconds.mean.toFixed(3),
      evaluationSeconds === null ? 'not measured' : evaluationSeconds.toFixed(1),
    ]),
  ];
}

/** `better` or `worse` in how many runs, where p < 0.05; `=` where in none. */
export function significanceText(found: SignificantRuns | undefined): string {
  if (found === undefined) return '';
  const { better, worse, neither } = found;
  const runs = better + worse + neither;
  const parts = [...(better > 0 ? [`better ${better}/${runs}`] : []), ...(worse > 0 ? [`worse ${worse}/${runs}`] : [])];
  return parts.length > 0 ? parts.join(', ') : `neither ${runs}/${runs}`;
}

/** Of a row, for sorting and for charts. */
export function shownScore({ test, validation }: PaperRow): Spread {
  return test ?? validation;
}

export function percent(score: number): string {
  return (100 * score).toFixed(2);
}

export function points(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(2)}`;
}

function range({ min, max }: Spread): string {
  return `${percent(min)}–${percent(max)}`;
}

function number(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(2);
}
