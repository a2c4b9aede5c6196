import type { Random } from '../random.js';
import type { EnsembleScores } from '../sampler/index.js';
import { DistinctSubsets } from './distinct-subsets.js';
import { meanOf, standardError } from './sampled-shapley.js';

/** How much more two models bring together than each alone, averaged over what else is in the ensemble. */
export interface PairInteraction {
  /** Indices in the pool, ascending. */
  readonly models: readonly [number, number];
  /** I_ij of `exactShapley`, in the metric's unit. */
  readonly interaction: number;
  /** Its standard error, where it was sampled. */
  readonly error?: number;
}

/**
 * Interactions of all pairs of the given models, estimated: I_ij is the mean over sizes of the mean over subsets S of that
 * size of v(S ∪ ij) − v(S ∪ i) − v(S ∪ j) + v(S). Sizes are spread evenly over the draws. One call of `scores`, four subsets
 * for each draw of each pair.
 * @param empty v(∅) @param draws ≥ 2 for each pair
 */
export async function sampledInteractions(
  ensemble: EnsembleScores,
  models: readonly number[],
  empty: number,
  draws: number,
  random: Random,
  signal?: AbortSignal,
): Promise<PairInteraction[]> {
  const size = ensemble.poolSize;
  const pairs = models
    .flatMap((i, at) => models.slice(0, at).map((j): [number, number] => [Math.min(i, j), Math.max(i, j)]))
    .sort(([a, b], [c, d]) => a - c || b - d);
  const subsets = new DistinctSubsets(size);
  const drawn = pairs.map(([i, j]) => {
    const others = [...Array(size).keys()].filter((k) => k !== i && k !== j);
    return Array.from({ length: draws }, (_, draw) => {
      const place = (draw + random.uint32() / 2 ** 32) / draws;
      const subset = random
        .subset(others.length, Math.floor(place * (others.length + 1)))
        .map((at) => others[at] as number);
      return [[...subset, i, j], [...subset, i], [...subset, j], subset].map((members) => subsets.add(members));
    });
  });
  const scores = await subsets.scores(ensemble, signal);
  const of = (key: string | undefined) => scores.get(key ?? '') ?? empty;
  return pairs.map((pair, at) => {
    const values = (drawn[at] ?? []).map(([both, first, second, none]) => of(both) - of(first) - of(second) + of(none));
    const interaction = meanOf(values);
    return { models: pair, interaction, error: standardError(values, interaction) };
  });
}
