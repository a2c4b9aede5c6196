import {
  adaptive,
  bestIndividual,
  greedySoup,
  measureGeometry,
  monteCarlo,
  type Pool,
  type PoolGeometry,
  radin,
  uniformSoup,
  type WeightGeometry,
} from '@radin/core';
import { bestPrefix } from './best-prefix.js';
import type { Strategy, StrategyOptions } from './strategy.js';

/** Candidates as in the paper (RADIN, 4.1), and the uniform soup, as it recommends. */
const CANDIDATES = { samplers: [monteCarlo], candidates: 200, includeUniform: true };

/** Every strategy that is compared, in the order of the tables. */
export const STRATEGIES: readonly Strategy[] = [
  { name: 'best-individual', draws: false, search: (scorer, options) => bestIndividual(scorer, only(options)) },
  { name: 'uniform', draws: false, search: (scorer, options) => uniformSoup(scorer, only(options)) },
  { name: 'top-k', draws: false, search: bestPrefix },
  { name: 'greedy', draws: false, search: (scorer, options) => greedySoup(scorer, withBudget(options)) },
  {
    // The first step only repeats a score that is known before.
    name: 'greedy-first-free',
    draws: false,
    search: async (scorer, options) => {
      const result = await greedySoup(scorer, { ...withBudget(options), budget: options.budget + 1 });
      return { ...result, evaluations: result.evaluations - 1 };
    },
  },
  {
    name: 'adaptive',
    draws: false,
    search: async (scorer, options) =>
      adaptive(scorer, {
        ...withBudget(options),
        candidates: 200,
        geometry: await geometryOf(options),
      }),
  },
  { name: 'radin', draws: true, search: (scorer, options) => radin(scorer, { ...drawn(options), lambda: 0 }) },
  { name: 'radin-prior', draws: true, search: (scorer, options) => radin(scorer, { ...drawn(options), lambda: 1 }) },
];

/** The strategy that the others are compared with. */
export const DEFAULT_STRATEGY = 'adaptive';

const GEOMETRIES = new WeakMap<Pool, Promise<PoolGeometry>>();

/** Measured once for each pool. */
async function geometryOf({ pool, backend }: StrategyOptions): Promise<WeightGeometry> {
  const known = GEOMETRIES.get(pool) ?? measureGeometry(pool.checkpoints, backend);
  GEOMETRIES.set(pool, known);
  return (await known).whole;
}

function only({ signal }: StrategyOptions) {
  return signal ? { signal } : {};
}

function withBudget(options: StrategyOptions) {
  return { budget: options.budget, ...only(options) };
}

function drawn(options: StrategyOptions) {
  return { ...CANDIDATES, seed: options.seed, ...withBudget(options) };
}
