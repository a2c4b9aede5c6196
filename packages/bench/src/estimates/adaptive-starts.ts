import {
  adaptive,
  type CurvePoint,
  type MixtureScorer,
  type SoupEstimateChoice,
  type WeightGeometry,
} from '@radin/core';
import type { Outcome } from '../soups/outcome.js';
import type { RandomSplit } from '../soups/random-split.js';
import type { SoupMemory } from '../soups/soup-memory.js';
import { meanOver } from '../soups/split-replay.js';
import { mean } from '../statistics.js';
import type { StartRow } from './result.js';

/** Evaluations after which the search is looked at. */
export const BUDGETS = [1, 3, 5, 10, 25];

const NAMES = ['composite', 'metric', 'cross-entropy', 'cross-entropy-of-probabilities'] as const;

/** What an adaptive search may start from. */
const STARTS: readonly SoupEstimateChoice[] = (['none', 'per-model'] as const).flatMap((temperature) =>
  NAMES.map((name) => ({ name, temperature })),
);

/** The adaptive search from every start on one split: what it has chosen after each budget. */
export async function adaptiveStarts(
  memory: SoupMemory,
  scorer: MixtureScorer,
  { validation, test }: RandomSplit,
  geometry: WeightGeometry,
): Promise<StartRow[]> {
  const rows: StartRow[] = [];
  for (const estimate of STARTS) {
    const scores: StartRow['scores'][number][] = [];
    const budget = Math.max(...BUDGETS);
    const { curve = [] } = await adaptive(scorer, { budget, candidates: 200, geometry, estimate });
    // What a search has evaluated first is all that one with a smaller budget evaluates.
    for (const first of BUDGETS) {
      const { best } = curve.findLast(({ evaluations }) => evaluations <= first) as CurvePoint;
      const [outcome] = (await memory.outcomes([best.mixture])) as [Outcome];
      scores.push({
        validation: meanOver(validation, outcome.rightAsObserved),
        test: meanOver(test, outcome.right),
      });
    }
    rows.push({ start: `${estimate.name}${estimate.temperature === 'none' ? '' : ', per-model temperature'}`, scores });
  }
  return rows;
}

/** Of one start, over splits or over pools. */
export function meanStart(rows: readonly StartRow[]): StartRow {
  return {
    start: (rows[0] as StartRow).start,
    scores: BUDGETS.map((_, index) => ({
      validation: mean(rows.map(({ scores }) => scores[index]?.validation as number)),
      test: mean(rows.map(({ scores }) => scores[index]?.test as number)),
    })),
  };
}
