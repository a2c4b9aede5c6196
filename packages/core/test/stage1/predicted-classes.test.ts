import { describe, expect, test } from 'vitest';
import { poolLogits, type StoredLogits, storedInMemory } from '../../src/logits/index.js';
import { metricNamed } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { backendNamed } from '../../src/problem/index.js';
import { ApproxScorer } from '../../src/stage1/index.js';
import { PredictedClasses } from '../../src/stage1/predicted-classes.js';
import { draw, everySubset, numbers } from '../pools.js';

/** The class of the largest Σ a_k ŷ_k over all classes, in float64, ties to the lowest. */
function plain(logits: readonly Float32Array[], classes: number, weights: readonly number[]): number[] {
  const largest = Math.max(...weights);
  return Array.from({ length: (logits[0] as Float32Array).length / classes }, (_, sample) => {
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (let c = 0; c < classes; c++) {
      const products = logits.flatMap((own, k) => {
        const a = (weights[k] as number) / largest;
        return a > 0 ? [a * (own[sample * classes + c] as number)] : [];
      });
      const sum = products.reduce((all, product) => all + product);
      if (sum > most) [best, most] = [c, sum];
    }
    return best;
  });
}

interface Case {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  /** Of a logit that was drawn. */
  readonly change?: (value: number, model: number) => number;
}

const cases: [string, Case][] = [
  ['models that differ', { models: 5, samples: 200, classes: 30 }],
  ['ties everywhere', { models: 4, samples: 300, classes: 6, change: (value) => Math.round(value) / 2 }],
  ['one that is constant', { models: 4, samples: 60, classes: 5, change: (value, model) => (model === 1 ? 0 : value) }],
  ['all that are constant', { models: 3, samples: 20, classes: 4, change: () => 1.5 }],
  [
    'a ruined one',
    { models: 4, samples: 80, classes: 50, change: (value, model) => (model === 2 ? 1e30 * value : value) },
  ],
  ['two classes', { models: 3, samples: 50, classes: 2, change: (value) => Math.round(2 * value) }],
  ['a single class', { models: 2, samples: 5, classes: 1 }],
];

describe.each(cases)('of %s', (_, { models, samples, classes, change = (value) => value }) => {
  const next = numbers(11);
  const logits = Array.from({ length: models }, (_, k) =>
    draw(next, samples * classes, 4).map((value) => change(value, k)),
  );
  const stored = logits.map((values) => storedInMemory({ values, samples, classes }));
  const cache = poolLogits(
    logits.map((_, k) => `m${k}`),
    stored,
    new Int32Array(samples),
  );
  const mixtures = [
    ...everySubset(models).map((members) => Array.from(Mixture.uniform(models, members).weights)),
    Array.from({ length: models }, (_, k) => 0.1 + 0.3 * k),
  ];

  test.each(['auto', 'reference'])('the largest of all classes is found, by %s', async (backend) => {
    const predictions = await PredictedClasses.open(cache, backendNamed(backend), {});
    for (const weights of mixtures) {
      expect([...(await predictions.of(Float64Array.from(weights), {}))]).toEqual(plain(logits, classes, weights));
    }
    predictions.close();
  });
});

test('what is stored as float64 is predicted as its float32', async () => {
  const values = draw(numbers(5), 40, 4);
  const wide: StoredLogits = {
    dtype: 'F64',
    source: new Uint8Array(Float64Array.from(values, (value) => value * (1 + 1e-12)).buffer),
    samples: 10,
    classes: 4,
  };
  const labels = new Int32Array(10);
  const of = async (stored: StoredLogits) => {
    const predictions = await PredictedClasses.open(poolLogits(['m'], [stored], labels), backendNamed('auto'), {});
    return predictions.of(Float64Array.of(1), {});
  };
  expect(await of(wide)).toEqual(await of(storedInMemory({ values, samples: 10, classes: 4 })));
});

test('balanced accuracy of classes of equal size is the accuracy of every mixture', async () => {
  const [models, samples, classes] = [4, 60, 3];
  const next = numbers(8);
  const stored = Array.from({ length: models }, () =>
    storedInMemory({ values: draw(next, samples * classes, 2), samples, classes }),
  );
  const labels = Int32Array.from({ length: samples }, (_, sample) => sample % classes);
  const cache = poolLogits(['a', 'b', 'c', 'd'], stored, labels);
  const mixtures = everySubset(models).map((members) => Mixture.uniform(models, members));
  const [balanced, plainly] = await Promise.all(
    ['balanced-accuracy', 'accuracy'].map(async (name) => {
      const metric = metricNamed(name) as NonNullable<ReturnType<typeof metricNamed>>;
      return (await ApproxScorer.open(cache, { metric, backend: backendNamed('auto') })).scores(mixtures);
    }),
  );
  for (const [at, score] of (balanced as Float64Array).entries())
    expect(score).toBeCloseTo(plainly?.[at] as number, 14);
});
