import { spawnSync } from 'node:child_process';
import { openBackend } from '@radin/native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PoolLogits } from '../../src/logits/index.js';
import { accuracy, crossEntropy, type Metric, topK } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import type { Estimate, EstimateChoice } from '../../src/sampler/index.js';
import { ApproxScorer, rankProposal } from '../../src/stage1/index.js';
import { everySubset } from '../pools.js';
import { drawPool, permuted } from '../sampler/ensembles.js';

const PYTHON = '/usr/bin/python3';
const hasScipy = spawnSync(PYTHON, ['-c', 'import scipy.optimize']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: the comparison with it is skipped\n');

const [MODELS, SAMPLES, CLASSES] = [4, 700, 6];
const pool = drawPool({ models: MODELS, samples: SAMPLES, classes: CLASSES, seed: 3 });
const weighted = Mixture.of([0.1, 0, 0.65, 0.25]);
const mixtures = [...everySubset(MODELS).map((members) => Mixture.uniform(MODELS, members)), weighted];
const singles = [...Array(MODELS).keys()].map((model) => Mixture.uniform(MODELS, [model]));

const opened: ApproxScorer[] = [];
async function open(cache: PoolLogits, metric: Metric = accuracy): Promise<ApproxScorer> {
  const scorer = await ApproxScorer.open(cache, { metric, backend: openBackend('auto') });
  opened.push(scorer);
  return scorer;
}
afterAll(() => {
  for (const scorer of opened) scorer.close();
});

async function estimates(choice: EstimateChoice, of = mixtures, cache = pool, metric?: Metric): Promise<Float64Array> {
  return (await (await open(cache, metric)).estimate(choice)).of(of);
}

function logitsOf(cache: PoolLogits): Float32Array[] {
  return cache.logits.map(({ source }) => {
    const bytes = Uint8Array.from(source as Uint8Array);
    return new Float32Array(bytes.buffer);
  });
}

function softmax(z: readonly number[]): number[] {
  const top = Math.max(...z);
  const exponentials = z.map((value) => Math.exp(value - top));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** Mean over samples of a number of the label's probability, by the definition in float64. */
function meanOf(
  mixture: Mixture,
  scales: readonly number[],
  mix: 'logits' | 'probabilities',
  value: (probability: number) => number,
): number {
  const logits = logitsOf(pool);
  let sum = 0;
  for (const [sample, label] of pool.labels.entries()) {
    const rows = logits.map((values, k) =>
      Array.from({ length: CLASSES }, (_, c) => (values[sample * CLASSES + c] as number) * (scales[k] as number)),
    );
    const mixed = (each: readonly (readonly number[])[]) =>
      Array.from({ length: CLASSES }, (_, c) =>
        each.reduce((total, row, k) => total + (mixture.weights[k] as number) * (row[c] as number), 0),
      );
    const probabilities = mix === 'logits' ? softmax(mixed(rows)) : mixed(rows.map(softmax));
    sum += value(probabilities[label] as number);
  }
  return sum / SAMPLES;
}

const ones = Array(MODELS).fill(1);
const found = (values: Float64Array, expected: (mixture: Mixture) => number, digits: number) => {
  for (const [index, mixture] of mixtures.entries()) expect(values[index]).toBeCloseTo(expected(mixture), digits);
};

describe('the estimate of a mixture is its definition in float64:', () => {
  test('cross-entropy of mean logits', async () => {
    found(await estimates({ name: 'cross-entropy' }), (mixture) => meanOf(mixture, ones, 'logits', Math.log), 5);
  });

  test('cross-entropy of mean probabilities', async () => {
    const values = await estimates({ name: 'cross-entropy-of-probabilities' });
    found(values, (mixture) => meanOf(mixture, ones, 'probabilities', Math.log), 12);
  });

  test.each([0.1, 0.25, 2])('smoothed accuracy at τ = %d', async (smoothing) => {
    const values = await estimates({ name: 'smoothed-accuracy', smoothing });
    const scales = ones.map(() => 1 / smoothing);
    found(values, (mixture) => meanOf(mixture, scales, 'logits', (p) => p), 5);
  });

  test('the metric, whatever it is', async () => {
    for (const metric of [accuracy, topK(2), crossEntropy]) {
      const scorer = await open(pool, metric);
      const { unit, of } = await scorer.estimate({ name: 'metric' });
      expect([unit, await of(mixtures)]).toEqual([metric.unit, await scorer.scores(mixtures)]);
    }
  });
});

test('smoothed accuracy tends to the accuracy as τ falls, where nothing ties', async () => {
  const smoothed = await estimates({ name: 'smoothed-accuracy', smoothing: 0.001 });
  const exact = await estimates({ name: 'metric' });
  for (const [index, value] of smoothed.entries())
    expect(Math.abs(value - (exact[index] as number))).toBeLessThan(0.005);
});

test('mean probabilities of a single model have the cross-entropy of its logits', async () => {
  const ofProbabilities = await estimates({ name: 'cross-entropy-of-probabilities' }, singles);
  const ofLogits = await estimates({ name: 'cross-entropy' }, singles);
  for (const [index, value] of ofProbabilities.entries()) expect(value).toBeCloseTo(ofLogits[index] as number, 5);
});

test('a label without probability costs a finite loss', async () => {
  const wrong = drawPool({ models: 2, samples: 30, classes: 3, seed: 1 });
  for (const values of logitsOf(wrong)) expect(values.length).toBe(90);
  const scaled = {
    ...wrong,
    logits: wrong.logits.map((stored, k) => ({
      ...stored,
      source: new Uint8Array((logitsOf(wrong)[k] as Float32Array).map((logit) => logit * 1e6).buffer),
    })),
  };
  const [value] = await estimates({ name: 'cross-entropy-of-probabilities' }, [Mixture.uniform(2, [0, 1])], scaled);
  expect(value).toBeLessThan(0);
  expect(Number.isFinite(value)).toBe(true);
});

describe('with a temperature for each model', () => {
  const choice = (name: EstimateChoice['name']): EstimateChoice => ({ name, temperature: 'per-model' });
  /** The same pool with logits of another scale for each model, which no temperature may notice. */
  const rescaled: PoolLogits = {
    ...pool,
    logits: pool.logits.map((stored, k) => ({
      ...stored,
      source: new Uint8Array((logitsOf(pool)[k] as Float32Array).map((logit) => logit * 2 ** (k - 1)).buffer),
    })),
  };

  test('accuracies of single models are their exact scores', async () => {
    expect(await estimates(choice('metric'), singles)).toEqual(await estimates({ name: 'metric' }, singles));
  });

  test('single models have the least cross-entropy that a scale can give, and no higher than without', async () => {
    const fitted = await estimates(choice('cross-entropy'), singles);
    const plain = await estimates({ name: 'cross-entropy' }, singles);
    for (const [k, single] of singles.entries()) {
      expect(fitted[k]).toBeGreaterThanOrEqual((plain[k] as number) - 1e-5);
      const best = Math.max(
        ...Array.from({ length: 61 }, (_, i) =>
          meanOf(
            single,
            ones.map(() => 10 ** ((i - 30) / 30)),
            'logits',
            Math.log,
          ),
        ),
      );
      expect(fitted[k]).toBeGreaterThan(best - 1e-4);
    }
  });

  test.each(['metric', 'cross-entropy', 'cross-entropy-of-probabilities', 'smoothed-accuracy'] as const)(
    '%s does not depend on the scale of a model’s logits',
    async (name) => {
      const [one, other] = [await estimates(choice(name)), await estimates(choice(name), mixtures, rescaled)];
      for (const [index, value] of one.entries()) expect(Math.abs(value - (other[index] as number))).toBeLessThan(2e-3);
    },
  );

  test.skipIf(!hasScipy)('it is the one that scipy finds', async () => {
    const program = `import sys, json, numpy
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
for x in json.load(sys.stdin):
    x = numpy.array(x).reshape(${SAMPLES}, ${CLASSES})
    print(-minimize_scalar(lambda t: logsumexp(x / numpy.exp(t), axis=1).mean(), bounds=(-5, 5), method='bounded').fun)`;
    const differences = logitsOf(pool).map((values) =>
      Array.from(values, (logit, i) => {
        const sample = Math.floor(i / CLASSES);
        return logit - (values[sample * CLASSES + (pool.labels[sample] as number)] as number);
      }),
    );
    const { stdout } = spawnSync(PYTHON, ['-c', program], { input: JSON.stringify(differences) });
    const expected = stdout.toString().trim().split('\n').map(Number);
    const losses = await estimates(choice('cross-entropy'), singles);
    for (const [k, loss] of losses.entries()) expect(loss).toBeCloseTo(expected[k] as number, 5);
  });

  test('logits that tell nothing, or everything, have finite ones', async () => {
    const right = drawPool({ models: 2, samples: 40, classes: 3, seed: 9 });
    const values = [0, 1].map((k) =>
      Float32Array.from({ length: 120 }, (_, i) => (k === 0 && right.labels[Math.floor(i / 3)] === i % 3 ? 5 : 0)),
    );
    const logits = right.logits.map((stored, k) => ({
      ...stored,
      source: new Uint8Array((values[k] as Float32Array).buffer),
    }));
    const [all, nothing] = await estimates(
      choice('cross-entropy'),
      [Mixture.uniform(2, [0]), Mixture.uniform(2, [1])],
      { ...right, logits },
    );
    expect(all).toBeCloseTo(0, 5);
    expect(nothing).toBeCloseTo(-Math.log(3), 5);
  });
});

test.each(['metric', 'cross-entropy', 'cross-entropy-of-probabilities', 'smoothed-accuracy'] as const)(
  'permuting the pool permutes %s',
  async (name) => {
    const order = [2, 0, 3, 1];
    const moved = mixtures.map(({ weights }) => Mixture.of(order.map((model) => weights[model] as number)));
    for (const temperature of ['none', 'per-model'] as const) {
      const here = await estimates({ name, temperature });
      const there = await estimates({ name, temperature }, moved, permuted(pool, order));
      for (const [index, value] of here.entries()) expect(there[index]).toBeCloseTo(value, 4);
    }
  },
);

describe('a ranking by another estimate', () => {
  const options = { samplers: [], candidates: 10, seed: 0, includeUniform: true, lambda: 0, keep: 10 };
  let ordering: Estimate;
  beforeAll(async () => {
    ordering = await (await open(pool)).estimate({ name: 'cross-entropy' });
  });

  test('orders by it, with λ in its unit, and keeps the metric as the approximate score', async () => {
    const { exhaustive } = await import('../../src/sampler/index.js');
    const scorer = await open(pool);
    for (const lambda of [0, 0.05]) {
      const { candidates } = await rankProposal(
        MODELS,
        { ...options, samplers: [exhaustive], lambda, estimate: { name: 'cross-entropy' } },
        async () => scorer,
      );
      const ranked = candidates.map(({ mixture }) => mixture);
      const values = await ordering.of(ranked);
      expect(candidates.map(({ estimate }) => estimate)).toEqual([...values]);
      expect(candidates.map(({ approxScore }) => approxScore)).toEqual([...(await scorer.scores(ranked))]);
      const priors = ranked.map(({ size }, index) => (values[index] as number) + lambda * size);
      expect(priors).toEqual([...priors].sort((a, b) => b - a));
      expect(candidates).toHaveLength(15);
    }
  });
});
