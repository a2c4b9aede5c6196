import { Mixture } from '../mixture/index.js';
import type { EnsembleScores } from '../sampler/index.js';

/** Score of each model alone, shape [N]. */
export function singleScores(ensemble: EnsembleScores, signal?: AbortSignal): Promise<Float64Array> {
  const { poolSize } = ensemble;
  const singles = Array.from({ length: poolSize }, (_, k) => Mixture.uniform(poolSize, [k]));
  return ensemble.scores(singles, 'metric', signal);
}
