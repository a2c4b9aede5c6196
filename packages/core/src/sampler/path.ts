import type { Mixture } from '../mixture/index.js';
import type { Criterion } from './ensemble-scores.js';
import type { SamplerContext } from './sampler.js';
import { type Scored, scoreAll } from './scored.js';

/** Steps that a path goes on without a new best: plateaus of accuracy are a few models wide, and good soups are small. */
const PATIENCE = 3;

/**
 * Walks from a mixture to the best of its neighbours, whether that is better or not, until there are none, PATIENCE steps
 * brought no new best or `count` mixtures were passed. One call of native code per step.
 * @returns the mixtures passed, the start first
 */
export async function walk(
  context: SamplerContext,
  criterion: Criterion,
  start: Scored,
  neighbours: (from: Mixture) => readonly Mixture[],
): Promise<Scored[]> {
  const path = [start];
  let best = start.score;
  let since = 0;
  while (path.length < context.count && since < PATIENCE) {
    const next = neighbours((path.at(-1) as Scored).mixture);
    if (next.length === 0) break;
    const [step] = (await scoreAll(context, next, criterion)) as [Scored];
    path.push(step);
    since = step.score > best ? 0 : since + 1;
    best = Math.max(best, step.score);
  }
  return path;
}
