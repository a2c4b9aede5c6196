import { type Candidate, selectBest } from '../stage1/index.js';

/** The choice after so many evaluations. */
export interface CurvePoint {
  readonly evaluations: number;
  readonly best: Candidate & { readonly score: number };
  /** What they cost, in full passes over the split. */
  readonly passes?: number;
}

/** The choice after each of the evaluations, which have been made in this order; a point only where it changes. */
export function curveOf(evaluated: readonly (Candidate & { readonly score: number })[]): CurvePoint[] {
  const curve: CurvePoint[] = [];
  for (const [index, candidate] of evaluated.entries()) {
    const before = curve.at(-1)?.best;
    const best = before === undefined ? candidate : selectBest([before, candidate]);
    if (best !== before) curve.push({ evaluations: index + 1, best, passes: index + 1 });
  }
  return curve;
}
