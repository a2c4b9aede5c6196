import type { Mixture } from '../mixture/index.js';
import type { Random } from '../random.js';

/** A way of proposing candidates. Knows the size of the pool and nothing of scores. */
export interface Sampler {
  readonly name: string;
  /** Different mixtures of a pool of `poolSize` ≥ 1 models: `count` of them or all that exist, as its name says. */
  sample(poolSize: number, count: number, random: Random): Iterable<Mixture>;
}
