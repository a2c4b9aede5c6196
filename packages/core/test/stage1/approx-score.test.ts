import { type Backend, listBackends, openBackend } from '@radin/native';
import { describe, expect, test } from 'vitest';
import { type Logits, type PoolLogits, poolLogits, storedInMemory } from '../../src/logits/index.js';
import { accuracy, crossEntropy, type Metric, topK } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import type { CallOptions } from '../../src/progress.js';
import { ApproxScorer, checkMetric, rankCandidates } from '../../src/stage1/index.js';
import { draw, everySubset, numbers, refused } from '../pools.js';

const [MODELS, SAMPLES, CLASSES] = [4, 300, 6];

/** Logits in memory, as a pool and one by one. */
interface Drawn {
  readonly cache: PoolLogits;
  readonly logits: readonly Logits[];
}

/** Logits of few distinct values, so that ties of the arg max are common. */
function drawLogits(seed: number): Drawn {
  const next = numbers(seed);
  const logits = Array.from({ length: MODELS }, () => ({
    values: draw(next, SAMPLES * CLASSES, 3).map(Math.round),
    samples: SAMPLES,
    classes: CLASSES,
  }));
  const labels = Int32Array.from({ length: SAMPLES }, () => Math.floor((CLASSES * (next() + 1)) / 2));
  return { cache: poolLogits(['a', 'b', 'c', 'd'], logits.map(storedInMemory), labels), logits };
}

async function approxScores(
  cache: PoolLogits,
  mixtures: readonly Mixture[],
  metric: Metric,
  backend: Backend,
  { threads, ...options }: CallOptions & { threads?: number } = {},
): Promise<Float64Array> {
  const scorer = await ApproxScorer.open(cache, { metric, backend, ...(threads && { threads }) });
  try {
    return await scorer.scores(mixtures, options);
  } finally {
    scorer.close();
  }
}

/** One sample's logits, added up: whole numbers, so that dividing by the number of models changes no order. */
function mixed({ logits, cache: { classes } }: Drawn, { ingredients }: Mixture, sample: number): number[] {
  return Array.from({ length: classes }, (_, c) =>
    ingredients.reduce((sum, k) => sum + (logits[k]?.values[sample * classes + c] as number), 0),
  );
}

function topOf(drawn: Drawn, mixture: Mixture, k: number): number {
  let correct = 0;
  for (const [sample, label] of drawn.cache.labels.entries()) {
    const z = mixed(drawn, mixture, sample);
    const order = [...z.keys()].sort((a, b) => (z[b] as number) - (z[a] as number) || a - b);
    if (order.slice(0, k).includes(label)) correct++;
  }
  return correct / drawn.cache.samples;
}

function crossEntropyOf(drawn: Drawn, mixture: Mixture): number {
  let loss = 0;
  for (const [sample, label] of drawn.cache.labels.entries()) {
    const z = mixed(drawn, mixture, sample).map((logit) => logit / mixture.size);
    loss += Math.log(z.reduce((sum, logit) => sum + Math.exp(logit), 0)) - (z[label] as number);
  }
  return -loss / drawn.cache.samples;
}

const mixtures = everySubset(MODELS).map((members) => Mixture.uniform(MODELS, members));
const backends = listBackends()
  .filter(({ name }) => !name.startsWith('cpu-'))
  .filter(({ available }) => available)
  .map(({ name }) => openBackend(name));

describe.each(backends)('on the backend $name the score of every subset’s averaged logits', (backend) => {
  test.each([1, 2, 5, 6])('is the fraction of labels among the %d largest, ties to the lowest class', async (k) => {
    const drawn = drawLogits(k);
    const scores = await approxScores(drawn.cache, mixtures, topK(k), backend);
    expect([...scores]).toEqual(mixtures.map((mixture) => topOf(drawn, mixture, k)));
    expect(new Set(scores).size).toBeGreaterThan(k === CLASSES ? 0 : 5);
  });

  test('is the negative mean cross-entropy', async () => {
    const drawn = drawLogits(9);
    const scores = await approxScores(drawn.cache, mixtures, crossEntropy, backend);
    for (const [row, mixture] of mixtures.entries()) {
      expect(scores[row]).toBeCloseTo(crossEntropyOf(drawn, mixture), 6);
    }
  });

  test.each([0, 0.01, 1])('gives the best subsets as ranking all of them does, λ = %d', async (lambda) => {
    const { cache } = drawLogits(5);
    const scorer = await ApproxScorer.open(cache, { metric: accuracy, backend });
    const ranked = rankCandidates(mixtures, await scorer.scores(mixtures), lambda);
    expect(await scorer.bestSubsets(6, lambda)).toEqual(ranked.slice(0, 6));
    expect(scorer.canScoreAllSubsets).toBe(true);
    scorer.close();
  });

  test('weighs the models by their mixing weights', async () => {
    const cache = poolLogits(
      ['a', 'b'],
      [
        { values: Float32Array.of(1, 0), samples: 1, classes: 2 },
        { values: Float32Array.of(0, 3), samples: 1, classes: 2 },
      ].map(storedInMemory),
      Int32Array.of(0),
    );
    const weighted = [0.7, 0.74, 0.76, 0.8].map((weight) => Mixture.of([weight, 1 - weight]));
    expect([...(await approxScores(cache, weighted, accuracy, backend))]).toEqual([0, 0, 1, 1]);
  });
});

test('scores do not depend on the other mixtures, their order or the threads', async () => {
  const { cache } = drawLogits(3);
  const backend = openBackend('auto');
  for (const metric of [accuracy, crossEntropy]) {
    const scores = [...(await approxScores(cache, mixtures, metric, backend))];
    const reversed = await approxScores(cache, mixtures.toReversed(), metric, backend, { threads: 2 });
    expect([...reversed].reverse()).toEqual(scores);
    expect([...(await approxScores(cache, mixtures.slice(3, 4), metric, backend, { threads: 1 }))]).toEqual([
      scores[3],
    ]);
  }
});

test('progress ends with all mixtures', async () => {
  const reported: unknown[] = [];
  const onProgress = (progress: unknown) => reported.push(progress);
  await approxScores(drawLogits(1).cache, mixtures, accuracy, openBackend('auto'), { onProgress });
  expect(reported.at(-1)).toEqual({ phase: 'score', done: mixtures.length, total: mixtures.length });
});

test('an aborted call rejects with the reason', async () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(approxScores(drawLogits(1).cache, mixtures, accuracy, openBackend('auto'), { signal })).rejects.toBe(
    reason,
  );
});

test('a metric of more classes than there are is refused', async () => {
  const wide: Metric = topK(CLASSES + 1);
  await expect(approxScores(drawLogits(1).cache, mixtures, wide, openBackend('auto'))).rejects.toEqual(
    refused('CONFIG', /metric for 6 classes but found top-7/),
  );
  checkMetric(topK(CLASSES), CLASSES);
  checkMetric(crossEntropy, 2);
});
