import type { Mixture } from '../mixture/index.js';
import type { Random } from '../random.js';

/** A way of proposing candidates. Knows the size of the pool and nothing of scores. */
export interface Sampler {
  readonly name: string;
  /** At most `count` different mixtures of a pool of `poolSize` ≥ 1 models; fewer where there are no more. */
  sample(poolSize: number, count: number, random: Random): Iterable<Mixture>;
}
