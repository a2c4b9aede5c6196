import { mean } from '../statistics.js';
import type { SizeScores, Spread } from './result.js';

/** Of at least one number. */
export function spreadOf(values: readonly number[]): Spread {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return {
    mean: middle,
    deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b)),
  };
}

/** Scores by the number of models, ascending; quartiles between neighbours are interpolated. */
export function sizeScores(scored: Iterable<{ readonly size: number; readonly score: number }>): SizeScores[] {
  const groups = new Map<number, number[]>();
  for (const { size, score } of scored) {
    const group = groups.get(size);
    if (group === undefined) groups.set(size, [score]);
    else group.push(score);
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([models, scores]) => {
      const sorted = scores.sort((a, b) => a - b);
      const at = (share: number) => {
        const place = share * (sorted.length - 1);
        const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
        return below + (above - below) * (place - Math.floor(place));
      };
      return {
        models,
        count: sorted.length,
        mean: mean(sorted),
        lower: at(0),
        firstQuartile: at(0.25),
        median: at(0.5),
        thirdQuartile: at(0.75),
        upper: at(1),
      };
    });
}
