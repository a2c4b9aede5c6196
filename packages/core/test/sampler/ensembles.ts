import { type Backend, openBackend } from '@radin/native';
import { type PoolLogits, poolLogits, storedInMemory } from '../../src/logits/index.js';
import { accuracy, type Metric } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { Random } from '../../src/random.js';
import type { Sampler, SamplerContext } from '../../src/sampler/index.js';
import { ApproxScorer } from '../../src/stage1/index.js';
import { draw, everySubset, numbers } from '../pools.js';

export interface LogitsShape {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly seed: number;
}

/** Logits of models that share a noisy idea of the label, later models a noisier one. */
export function drawPool({ models, samples, classes, seed }: LogitsShape): PoolLogits {
  const next = numbers(seed);
  const labels = Int32Array.from({ length: samples }, () => Math.floor((classes * (next() + 1)) / 2));
  const shared = draw(next, samples * classes, 2);
  const logits = Array.from({ length: models }, (_, model) => {
    const own = draw(next, samples * classes, 2 + (2 * model) / models);
    const values = own.map((noise, at) => {
      const isLabel = labels[Math.floor(at / classes)] === at % classes;
      return noise + (shared[at] as number) + (isLabel ? 1.5 : 0);
    });
    return storedInMemory({ values, samples, classes });
  });
  return poolLogits(
    logits.map((_, model) => `m${model}`),
    logits,
    labels,
  );
}

/** The pool with its models in another order: the new pool's model i is the old one's `order[i]`. */
export function permuted(pool: PoolLogits, order: readonly number[]): PoolLogits {
  return {
    ...pool,
    models: order.map((model) => pool.models[model] as string),
    logits: order.map((model) => pool.logits[model] as PoolLogits['logits'][number]),
  };
}

export interface Asked {
  readonly metric?: Metric;
  readonly backend?: Backend;
  readonly threads?: number;
  readonly count?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** A context on that pool for as long as `use` takes, and the notices that came. */
export async function withContext<T>(
  pool: PoolLogits,
  { metric = accuracy, backend = openBackend('auto'), threads, count = 50, seed = 0, signal }: Asked,
  use: (context: SamplerContext, notices: readonly string[]) => Promise<T>,
): Promise<T> {
  const scorer = await ApproxScorer.open(pool, { metric, backend, ...(threads && { threads }) });
  const notices: string[] = [];
  try {
    const context = {
      poolSize: pool.models.length,
      count,
      random: new Random(seed),
      ensemble: scorer.ensemble,
      notify: (notice: string) => notices.push(notice),
      ...(signal && { signal }),
    };
    return await use(context, notices);
  } finally {
    scorer.close();
  }
}

export async function drawn(sampler: Sampler, context: SamplerContext): Promise<Mixture[]> {
  const mixtures: Mixture[] = [];
  for await (const mixture of sampler.sample(context)) mixtures.push(mixture);
  return mixtures;
}

/** What the sampler proposes for the pool. */
export function sampled(sampler: Sampler, pool: PoolLogits, asked: Asked = {}): Promise<Mixture[]> {
  return withContext(pool, asked, (context) => drawn(sampler, context));
}

/** All uniform subsets, in no order of merit. */
export function everyMixture(models: number): Mixture[] {
  return everySubset(models).map((members) => Mixture.uniform(models, members));
}

/** The scores of some mixtures. */
export function scoresOf(
  pool: PoolLogits,
  mixtures: readonly Mixture[],
  criterion: 'metric' | 'cross-entropy',
  asked: Asked = {},
): Promise<Float64Array> {
  return withContext(pool, asked, ({ ensemble }) => ensemble.scores(mixtures, criterion));
}
