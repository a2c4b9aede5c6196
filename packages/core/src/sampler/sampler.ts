import type { Mixture } from '../mixture/index.js';
import type { Random } from '../random.js';
import type { EnsembleScores } from './ensemble-scores.js';

/** What a sampler may look at. It is asked once for each context. */
export interface SamplerContext {
  /** N ≥ 1. */
  readonly poolSize: number;
  /** How many mixtures to propose at most, ≥ 1. */
  readonly count: number;
  readonly random: Random;
  readonly ensemble: EnsembleScores;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Takes what the user should know of the search: what was proven, and what was not. */
  readonly notify?: (notice: string) => void;
}

/** A way of proposing candidates. */
export interface Sampler {
  readonly name: string;
  /** What it can climb: `bounded`, only metrics of which bounds over many mixtures are known; `cross-entropy`, where there are classes. Default: any metric. */
  readonly climbs?: 'bounded' | 'cross-entropy';
  /** Refuses, before anything is computed, a pool that the sampler cannot take. @throws RadinError */
  check?(poolSize: number): void;
  /** Different mixtures of the pool's N models: the best that it found first, where it knows scores. */
  sample(context: SamplerContext): Iterable<Mixture> | AsyncIterable<Mixture>;
}
