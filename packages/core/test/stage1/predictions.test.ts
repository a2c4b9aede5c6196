import { describe, expect, test } from 'vitest';
import { poolLogits, type StoredLogits, storedInMemory } from '../../src/logits/index.js';
import {
  accuracy,
  crossEntropy,
  type Metric,
  metricNamed,
  predictionMetric,
  type TaskName,
} from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { backendNamed } from '../../src/problem/index.js';
import { SAMPLERS } from '../../src/sampler/index.js';
import { ApproxScorer, checkEstimate, checkProposal, outputsAreProbabilities } from '../../src/stage1/index.js';
import { draw, numbers, refused } from '../pools.js';

const [MODELS, SAMPLES, CLASSES] = [3, 40, 4];
const next = numbers(3);
const logits = Array.from({ length: MODELS }, () => draw(next, SAMPLES * CLASSES, 4));
const labels = Int32Array.from({ length: SAMPLES }, (_, sample) => sample % CLASSES);
const ids = ['a', 'b', 'c'];
const inMemory = (values: Float32Array) => storedInMemory({ values, samples: SAMPLES, classes: CLASSES });
const cache = poolLogits(ids, logits.map(inMemory), labels);
const named = (name: string, task?: TaskName) => metricNamed(name, task) as Metric;

/** The averaged logits that a metric is given, from every backend. */
async function averagedBy(mixture: Mixture, backend = 'auto', stored = cache.logits): Promise<Float32Array> {
  let seen = new Float32Array();
  const spy = predictionMetric('spy', (predictions) => {
    seen = predictions.logits.slice();
    return 0;
  });
  const pool = poolLogits(ids, stored, labels);
  const scorer = await ApproxScorer.open(pool, { metric: spy, backend: backendNamed(backend) });
  await scorer.scores([mixture]);
  return seen;
}

describe('what a metric of predictions is given', () => {
  test('is the float64 sum of the models, rounded once, on every backend', async () => {
    const mixture = Mixture.of([0.2, 0.3, 0.5]);
    const expected = Float32Array.from(logits[0] as Float32Array, (value, at) => {
      return value * 0.2 + (logits[1]?.[at] as number) * 0.3 + (logits[2]?.[at] as number) * 0.5;
    });
    for (const backend of ['auto', 'reference']) expect(await averagedBy(mixture, backend)).toEqual(expected);
  });

  test('are a single model’s own logits, also of other dtypes', async () => {
    expect(await averagedBy(Mixture.uniform(3, [1]))).toEqual(logits[1]);
    const wide = logits.map((values): StoredLogits => {
      const source = new Uint8Array(Float64Array.from(values).buffer);
      return { dtype: 'F64', source, samples: SAMPLES, classes: CLASSES };
    });
    expect(await averagedBy(Mixture.uniform(3, [1]), 'auto', wide)).toEqual(logits[1]);
  });

  test('scores many mixtures as each alone', async () => {
    const scorer = await ApproxScorer.open(cache, { metric: named('macro-f1'), backend: backendNamed('auto') });
    const mixtures = [[0], [1, 2], [0, 1, 2], [0, 2]].map((members) => Mixture.uniform(3, members));
    const together = await scorer.scores(mixtures);
    for (const [at, mixture] of mixtures.entries()) expect((await scorer.scores([mixture]))[0]).toBe(together[at]);
  });
});

test('a logit that is not finite is an error that names model, sample and class', async () => {
  const bad = (logits[1] as Float32Array).slice();
  bad[6] = Number.NaN;
  const pool = poolLogits(ids, [logits[0] as Float32Array, bad, logits[2] as Float32Array].map(inMemory), labels);
  await expect(ApproxScorer.open(pool, { metric: named('ece'), backend: backendNamed('auto') })).rejects.toEqual(
    refused('EVALUATION', /found NaN from model "b" for sample 1, class 2/),
  );
});

describe('before the passes are refused', () => {
  const proposal = (name: string) => ({
    samplers: SAMPLERS.filter((sampler) => sampler.name === name),
    candidates: 5,
    seed: 0,
    includeUniform: true,
  });
  const climbsSum = ['branch-and-bound'];
  const climbsLoss = SAMPLERS.map(({ name }) => name).filter((name) => /cross-entropy|convex/.test(name));

  test.each(SAMPLERS.map(({ name }) => name))('%s only by metrics that it cannot climb', (name) => {
    const refuses = (metric: Metric) => {
      try {
        checkProposal(4, proposal(name), metric);
        return false;
      } catch {
        return true;
      }
    };
    expect(refuses(accuracy) || refuses(crossEntropy)).toBe(false);
    expect(refuses(named('macro-f1'))).toBe(climbsSum.includes(name));
    expect(refuses(named('mse', 'regression'))).toBe([...climbsSum, ...climbsLoss].includes(name));
  });

  test('estimates of labels’ probabilities where there are no classes', () => {
    const mse = named('mse', 'regression');
    checkEstimate({ name: 'metric' }, mse);
    checkEstimate({ name: 'cross-entropy', temperature: 'per-model' }, named('macro-f1'));
    for (const choice of [{ name: 'cross-entropy' }, { name: 'metric', temperature: 'per-model' }] as const) {
      expect(() => checkEstimate(choice, mse)).toThrow(refused('CONFIG', /without a?.*classes but found/));
    }
  });
});

describe('outputs that are probabilities', () => {
  const soft = logits.map((values) => {
    const result = values.slice();
    for (let at = 0; at < result.length; at += CLASSES) {
      const row = result.subarray(at, at + CLASSES).map(Math.exp);
      const sum = row.reduce((total, value) => total + value, 0);
      result.set(
        row.map((value) => value / sum),
        at,
      );
    }
    return result;
  });

  test('are named where every row of every model sums to 1', async () => {
    const pool = poolLogits(ids, soft.map(inMemory), labels);
    expect(await outputsAreProbabilities(pool, 'multi-class')).toMatch(/softmax.*output:/);
    expect(await outputsAreProbabilities(pool, 'multi-label')).toMatch(/sigmoid/);
    expect(await outputsAreProbabilities(pool, 'regression')).toBeUndefined();
  });

  test('are not where a single model has logits', async () => {
    const mixed = [...soft.slice(0, 2), logits[2] as Float32Array];
    expect(await outputsAreProbabilities(poolLogits(ids, mixed.map(inMemory), labels), 'multi-class')).toBeUndefined();
    expect(await outputsAreProbabilities(cache, 'multi-class')).toBeUndefined();
  });
});
