import type { Mixture } from '../mixture/index.js';
import type { Effort } from './effort.js';
import type { Scored } from './scored.js';

/** Steps that a path goes on without a new best: plateaus of accuracy are a few models wide, and good soups are small. */
const PATIENCE = 3;

/**
 * Walks from a mixture to the best of its neighbours, whether that is better or not, until there are none, three steps brought
 * no new best, `most` mixtures were passed or the effort is spent. One call of native code per step.
 * @returns the mixtures passed, the start first
 */
export async function walk(
  effort: Effort,
  most: number,
  start: Scored,
  neighbours: (from: Mixture) => readonly Mixture[],
): Promise<Scored[]> {
  const path = [start];
  let best = start.score;
  let since = 0;
  while (path.length < most && since < PATIENCE && !effort.isSpent) {
    const next = neighbours((path.at(-1) as Scored).mixture);
    if (next.length === 0) break;
    const [step] = (await effort.score(next)) as [Scored];
    path.push(step);
    since = step.score > best ? 0 : since + 1;
    best = Math.max(best, step.score);
  }
  return path;
}
