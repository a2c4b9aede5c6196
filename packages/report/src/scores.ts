import { formatGain, formatScore, pValueText, type SearchReport, signed } from '@radin/core';
import type { Axis } from 'vega-lite/types_unstable/axis.js';
import { type DocumentMetric, metricOf } from './document-metric.js';
import { SPACE } from './format-cell.js';
import type { Column, Fact } from './page.js';

/** How scores of one metric are written, tabulated and drawn. */
export interface Scores {
  readonly metric: DocumentMetric;
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

/** Of a document that was checked. */
export function scoresOf(report: Pick<SearchReport, 'metric' | 'scoring'>): Scores {
  const metric = metricOf(report);
  if (metric === undefined) throw new RangeError(`Expected the name of a metric but received ${report.metric}`);
  const isFraction = metric.unit === 'fraction';
  const unit = isFraction || metric.unit === '' ? '' : ` (${metric.unit})`;
  return {
    metric,
    text: (score) => whole(formatScore(score, metric)),
    gain: (difference) => whole(formatGain(difference, metric)),
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
      return isFraction ? { value: `${value}${SPACE}%`, unit: '' } : { value, unit: words.join(' ') };
    },
    gainParts: (difference) => {
      const [value = '', ...words] = formatGain(difference, metric).split(' ');
      return { value, unit: words.join(' ') };
    },
  };
}

/** A figure and its unit on one line. */
function whole(figure: string): string {
  return figure.replaceAll(' ', SPACE);
}

interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** A score with its interval where it is known. */
export function scoreFact(label: string, score: number, interval: Interval | undefined, { scoreParts }: Scores): Fact {
  const { value, unit } = scoreParts(score);
  const percent = (bound: number) => (100 * bound).toFixed(2);
  const note = interval === undefined ? unit : `${percent(interval.lower)} to ${percent(interval.upper)}${SPACE}%`;
  return { label, value, ...(note !== '' && { note }) };
}

/** A gain over the best single model, with its interval and McNemar's exact test where they are known. */
export function gainFact(
  split: string,
  difference: number,
  versus: (Interval & { readonly pValue: number }) | undefined,
  { gainParts }: Scores,
): Fact {
  const { value, unit } = gainParts(difference);
  const points = (bound: number) => signed(100 * bound, 2);
  const trust =
    versus === undefined
      ? unit
      : `${points(versus.lower)} to ${points(versus.upper)} ${unit}, ${whole(pValueText(versus.pValue))}`;
  return { label: `Gain, ${split}`, value, note: trust };
}

/** What the figures of an answer are to be read with. @param confidence of the intervals, where there are any */
export function factsNote(confidence: number | undefined): string {
  const gains = 'Gains are over the best single model';
  return confidence === undefined
    ? `${gains}.`
    : `Ranges are ${100 * confidence}${SPACE}% intervals. ${gains}; p-values are those of McNemar’s exact test.`;
}
