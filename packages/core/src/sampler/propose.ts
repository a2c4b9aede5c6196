import { RadinError } from '../errors/index.js';
import { Mixture } from '../mixture/index.js';
import { Random } from '../random.js';
import { exhaustive } from './exhaustive.js';
import { monteCarlo } from './monte-carlo.js';
import type { Sampler } from './sampler.js';

/** Every sampler, by the name that `--sampler` takes. */
export const SAMPLERS: readonly Sampler[] = [monteCarlo, exhaustive];

export interface ProposalOptions {
  readonly sampler: Sampler;
  /** C, the number of candidates to draw. */
  readonly candidates: number;
  readonly seed: number;
  /** Whether the uniform soup of all models is a candidate, in addition to the drawn ones. */
  readonly includeUniform: boolean;
}

export interface Proposal {
  /** No two are equal. */
  readonly mixtures: readonly Mixture[];
  /** What the user should know about the candidates: that there are fewer than asked for. */
  readonly notices: readonly string[];
}

/** The candidates of a search. @throws RadinError where there is none. */
export function proposeCandidates(poolSize: number, options: ProposalOptions): Proposal {
  const { sampler, candidates, seed, includeUniform } = options;
  const uniform = Mixture.uniform(poolSize, [...Array(poolSize).keys()]);
  const drawn = [...sampler.sample(poolSize, candidates, new Random(seed))].filter(({ key }) => key !== uniform.key);
  const mixtures = includeUniform ? [...drawn, uniform] : drawn;
  if (mixtures.length === 0) {
    throw new RadinError(
      'CONFIG',
      `Expected at least one candidate but found none: a pool of ${poolSize} has no subset of 2 to N − 1 models, and the uniform soup is left out`,
    );
  }
  const notices =
    sampler === monteCarlo && drawn.length < candidates
      ? [
          `${candidates} candidates were asked for; a pool of ${poolSize} has ${drawn.length} subsets of 2 to N − 1 models: all are taken`,
        ]
      : [];
  return { mixtures, notices };
}
