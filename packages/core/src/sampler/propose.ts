import { RadinError } from '../errors/index.js';
import type { Metric } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { Random } from '../random.js';
import { backward } from './backward.js';
import { beam } from './beam.js';
import { branchAndBound } from './branch-and-bound.js';
import { convex } from './convex.js';
import type { EnsembleScores } from './ensemble-scores.js';
import { exhaustive } from './exhaustive.js';
import { forward } from './forward.js';
import { genetic } from './genetic.js';
import { monteCarlo } from './monte-carlo.js';
import type { Sampler } from './sampler.js';
import { smallSets } from './small-sets.js';
import { swaps } from './swaps.js';
import { topModels } from './top-k.js';
import { withReplacement } from './with-replacement.js';

/** Every sampler, by the name that `--sampler` takes. */
export const SAMPLERS: readonly Sampler[] = [
  monteCarlo,
  exhaustive,
  forward('metric'),
  forward('cross-entropy'),
  backward('metric'),
  backward('cross-entropy'),
  withReplacement('metric'),
  withReplacement('cross-entropy'),
  topModels,
  smallSets,
  beam,
  genetic,
  swaps,
  branchAndBound('metric'),
  branchAndBound('cross-entropy'),
  convex,
];

export interface ProposalOptions {
  /** At least one. Several share one list of candidates, to which `small-sets` is added. */
  readonly samplers: readonly Sampler[];
  /** C, the number of candidates that each sampler proposes at most. */
  readonly candidates: number;
  /** Each sampler draws from this seed, so that it proposes the same alone and among others. */
  readonly seed: number;
  /** Whether the uniform soup of all models is a candidate, in addition to the drawn ones. */
  readonly includeUniform: boolean;
}

export interface Proposal {
  /** No two are equal. */
  readonly mixtures: readonly Mixture[];
  /** What the user should know about the candidates: that there are fewer than asked for, what a sampler proved. */
  readonly notices: readonly string[];
}

/** The paper's two ways of proposing, each alone, stay what they are in the paper: nothing is added to them. */
function samplersOf(options: ProposalOptions): readonly Sampler[] {
  const samplers = [...new Set(options.samplers)];
  const isPaper = samplers.length === 1 && (samplers[0] === monteCarlo || samplers[0] === exhaustive);
  return isPaper ? samplers : [...new Set([smallSets, ...samplers])];
}

/**
 * Refuses what would fail after the passes over the pool.
 * @param metric what soups are scored by, where that is known
 * @param listed those whose mixtures are to be listed; default: all
 * @throws RadinError
 */
export function checkSamplers(
  poolSize: number,
  options: ProposalOptions,
  metric?: Metric,
  listed = options.samplers,
): void {
  for (const sampler of listed) sampler.check?.(poolSize);
  if (metric !== undefined) for (const sampler of options.samplers) checkClimbs(sampler, metric);
  const isEmpty = poolSize === 1 || (poolSize === 2 && options.samplers.every((sampler) => sampler === monteCarlo));
  if (isEmpty && !options.includeUniform) {
    throw new RadinError(
      'CONFIG',
      `Expected at least one candidate but found none: a pool of ${poolSize} has no subset of 2 to N − 1 models, and the uniform soup is left out`,
    );
  }
}

/**
 * The candidates of a search, in the order of the samplers and the uniform soup last; a mixture that several propose comes
 * once. Same seed and logits, same candidates, whatever the backend and threads. @throws RadinError where there is none
 */
export async function proposeCandidates(
  poolSize: number,
  options: ProposalOptions,
  ensemble: EnsembleScores,
  signal?: AbortSignal,
): Promise<Proposal> {
  checkSamplers(poolSize, options);
  const { candidates: count, seed, includeUniform } = options;
  const uniform = Mixture.uniform(poolSize, [...Array(poolSize).keys()]);
  const mixtures = new Map<string, Mixture>();
  const notices: string[] = [];
  const context = {
    poolSize,
    count,
    ensemble,
    notify: (notice: string) => notices.push(notice),
    ...(signal && { signal }),
  };
  for (const sampler of samplersOf(options)) {
    signal?.throwIfAborted();
    let drawn = 0;
    for await (const mixture of sampler.sample({ ...context, random: new Random(seed) })) {
      drawn++;
      if (mixture.key !== uniform.key && !mixtures.has(mixture.key)) mixtures.set(mixture.key, mixture);
    }
    if (sampler === monteCarlo && drawn < count) {
      notices.push(
        `${count} candidates were asked for; a pool of ${poolSize} has ${drawn} subsets of 2 to N − 1 models: all are taken`,
      );
    }
  }
  return { mixtures: [...mixtures.values(), ...(includeUniform ? [uniform] : [])], notices };
}

/** Measures of which bounds over many mixtures at once are known. */
const BOUNDED: ReadonlySet<string> = new Set<Metric['measure']['kind']>(['top', 'cross-entropy']);

function checkClimbs({ name, climbs }: Sampler, metric: Metric): void {
  const needed =
    climbs === 'bounded' && !BOUNDED.has(metric.measure.kind)
      ? 'accuracy, top-K or cross-entropy of classes'
      : climbs === 'cross-entropy' && metric.withoutClasses
        ? 'a task with classes'
        : undefined;
  if (needed === undefined) return;
  throw new RadinError('CONFIG', `Expected ${needed} for the sampler "${name}" but found the metric ${metric.name}`);
}
