import { formatGain, formatScore, type Metric, metricNamed } from '@radin/core';
import type { Axis } from 'vega-lite/types_unstable/axis.js';
import type { Column, Fact } from './page.js';

/** How scores of one metric are written, tabulated and drawn. */
export interface Scores {
  readonly metric: Metric;
  /** A score and a difference of two, in words. */
  readonly text: (score: number) => string;
  readonly gain: (difference: number) => string;
  /** A score as a figure to be seen at a glance, and its unit where the figure does not have it. */
  readonly scoreParts: (score: number) => { readonly value: string; readonly unit: string };
  /** A difference as a figure to be seen at a glance, and its unit. */
  readonly gainParts: (difference: number) => { readonly value: string; readonly unit: string };
  readonly column: (name: string, title: string) => Column;
  readonly gainColumn: (name: string, title: string) => Column;
  /** An axis of scores, and one of differences. The title says the unit where labels do not. */
  readonly axis: (title: string) => { readonly axis: Axis<never> };
  readonly gainAxis: (title: string) => { readonly axis: Axis<never> };
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
    axis: (title) => ({ axis: { title: `${title}${unit}`, format: isFraction ? '.2~%' : '.4~g' } }),
    gainAxis: (title) => ({
      axis: isFraction
        ? { title: `${title} (points)`, labelExpr: "format(100 * datum.value, '+.2~f')" }
        : { title: `${title}${unit}`, format: '+.3~g' },
    }),
    scoreParts: (score) => {
      const [value = '', ...words] = formatScore(score, metric).split(' ');
      return isFraction ? { value: `${value} %`, unit: '' } : { value, unit: words.join(' ') };
    },
    gainParts: (difference) => {
      const [value = '', ...words] = formatGain(difference, metric).split(' ');
      return { value, unit: words.join(' ') };
    },
  };
}

/** An interval of fractions, in words. */
function intervalText({ lower, upper }: { readonly lower: number; readonly upper: number }): string {
  return `${(100 * lower).toFixed(2)} to ${(100 * upper).toFixed(2)} %`;
}

/** A p-value in a sentence. */
export function pText(pValue: number): string {
  return `p = ${pValue < 0.001 ? pValue.toExponential(1) : Number(pValue.toPrecision(2))}`;
}

/** A score with its interval where it is known. */
export function scoreFact(
  label: string,
  score: number,
  interval: { readonly lower: number; readonly upper: number } | undefined,
  { scoreParts }: Scores,
): Fact {
  const { value, unit } = scoreParts(score);
  const note = interval === undefined ? unit : `95 % interval ${intervalText(interval)}`;
  return { label, value, ...(note !== '' && { note }) };
}

/** A gain over the best single model, with its interval and McNemar's exact test where they are known. */
export function gainFact(
  split: string,
  difference: number,
  versus: { readonly lower: number; readonly upper: number; readonly pValue: number } | undefined,
  { gainParts }: Scores,
): Fact {
  const { value, unit } = gainParts(difference);
  const points = (bound: number) => `${bound < 0 ? '' : '+'}${(100 * bound).toFixed(2)}`;
  const trust =
    versus === undefined
      ? ''
      : `; 95 % interval ${points(versus.lower)} to ${points(versus.upper)}, McNemar’s ${pText(versus.pValue)}`;
  return { label: `Gain, ${split}`, value, note: `${unit} over the best single model${trust}` };
}
