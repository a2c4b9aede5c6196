import { formatGain, formatScore, type Metric, metricNamed } from '@radin/core';
import type { Column, Fact } from './page.js';

/** How scores of one metric are written, tabulated and drawn. */
export interface Scores {
  readonly metric: Metric;
  /** A score and a difference of two, in words. */
  readonly text: (score: number) => string;
  readonly gain: (difference: number) => string;
  readonly column: (name: string, title: string) => Column;
  readonly gainColumn: (name: string, title: string) => Column;
  /** An axis of scores. The title says the unit where it is not a percentage. */
  readonly axis: (title: string) => { readonly title: string; readonly axis: { readonly format: string } };
  /** An axis of differences. */
  readonly gainAxis: (title: string) => { readonly title: string; readonly axis: { readonly format: string } };
}

/** @param name of a metric, as documents have it */
export function scoresOf(name: string): Scores {
  const metric = metricNamed(name);
  if (metric === undefined) throw new RangeError(`Expected the name of a metric but received ${name}`);
  const isFraction = metric.unit === 'fraction';
  const unit = isFraction ? '' : ` (${metric.unit})`;
  return {
    metric,
    text: (score) => formatScore(score, metric),
    gain: (difference) => formatGain(difference, metric),
    column: (column, title) => ({ name: column, title, format: isFraction ? 'percent' : 'number' }),
    gainColumn: (column, title) => ({ name: column, title, format: isFraction ? 'points' : 'number' }),
    axis: (title) => ({ title: `${title}${unit}`, axis: { format: isFraction ? '.1%' : '.4~g' } }),
    gainAxis: (title) => ({ title: `${title}${unit}`, axis: { format: isFraction ? '+.2%' : '+.3~g' } }),
  };
}

/** An interval of fractions, in words. */
export function intervalText({ lower, upper }: { readonly lower: number; readonly upper: number }): string {
  return `${(100 * lower).toFixed(2)} to ${(100 * upper).toFixed(2)} %`;
}

/** A p-value in a sentence. */
export function pText(pValue: number): string {
  return `p = ${pValue < 0.001 ? pValue.toExponential(1) : Number(pValue.toPrecision(2))}`;
}

/** A gain with its interval and McNemar's exact test. */
export function gainFact(
  label: string,
  gain: string,
  versus: { readonly lower: number; readonly upper: number; readonly pValue: number } | undefined,
): Fact {
  if (versus === undefined) return { label, value: gain };
  const points = (value: number) => `${value < 0 ? '' : '+'}${(100 * value).toFixed(2)}`;
  const note = `95 % interval ${points(versus.lower)} to ${points(versus.upper)} points, McNemar’s ${pText(versus.pValue)}`;
  return { label, value: gain, note };
}
