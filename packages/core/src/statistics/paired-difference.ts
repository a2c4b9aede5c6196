import { deviations, type Interval } from './wilson.js';

export interface PairedDifference extends Interval {
  /** Score of the first predictor minus that of the second, in [−1, 1]. */
  readonly difference: number;
}

/**
 * Difference of two proportions on the same samples with the adjusted Wald interval (Bonett and Price 2012): one sample is
 * added to each kind of disagreement, which keeps the coverage also where the two hardly ever disagree.
 * @param onlyFirst samples that only the first gets right @param onlySecond … only the second @param samples M ≥ 1
 */
export function pairedDifference(
  onlyFirst: number,
  onlySecond: number,
  samples: number,
  confidence = 0.95,
): PairedDifference {
  const [first, second] = [(onlyFirst + 1) / (samples + 2), (onlySecond + 1) / (samples + 2)];
  const centre = first - second;
  const half = deviations(confidence) * Math.sqrt((first + second - centre * centre) / (samples + 2));
  return {
    difference: (onlyFirst - onlySecond) / samples,
    lower: Math.max(-1, centre - half),
    upper: Math.min(1, centre + half),
  };
}
