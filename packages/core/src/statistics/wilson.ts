import { normalQuantile } from './normal.js';

/** An interval of a fraction or of a difference of fractions. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** The standard deviations on each side of a two-sided interval. @param confidence in (0, 1) */
export function deviations(confidence: number): number {
  return normalQuantile((1 - confidence) / 2);
}

/**
 * Score interval of a proportion (Wilson 1927): the proportions that the observed one does not contradict. Inside [0, 1]
 * and never empty, also where all or no trials succeed. @param trials ≥ 1
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): Interval {
  const z = deviations(confidence);
  const failures = trials - successes;
  const half = z * Math.sqrt((successes * failures) / trials + (z * z) / 4);
  const [low, high] = [successes + (z * z) / 2 - half, failures + (z * z) / 2 - half];
  // Both ends are differences from the nearer side, so that an end that should be 0 or 1 is.
  return { lower: Math.max(0, low) / (trials + z * z), upper: 1 - Math.max(0, high) / (trials + z * z) };
}
