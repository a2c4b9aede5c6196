import type { Metric } from '../metric/index.js';

/** A score as people read it: a fraction as a percentage, else with its unit. */
export function formatScore(score: number, { unit }: Metric): string {
  return unit === 'fraction' ? `${(100 * score).toFixed(2)} %` : `${score.toFixed(4)} ${unit}`;
}

/** A difference of two scores, with its sign. */
export function formatGain(difference: number, { unit }: Metric): string {
  const [amount, suffix] =
    unit === 'fraction' ? [(100 * difference).toFixed(2), 'points'] : [difference.toFixed(4), unit];
  const isNegative = Number(amount) < 0;
  return `${isNegative ? '-' : '+'}${amount.replace('-', '')} ${suffix}`;
}
