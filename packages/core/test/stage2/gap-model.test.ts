import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { WeightGeometry } from '../../src/pool/index.js';
import { GapModel, pairedVariance } from '../../src/stage2/index.js';
import { draw, numbers } from '../pools.js';

const python = '/usr/bin/python3';
const hasNumpy = spawnSync(python, ['-c', 'import numpy']).status === 0;
if (!hasNumpy) process.stderr.write('numpy is not installed: the comparison with it is skipped\n');

/** Models as points of a space of 12 dimensions; the last is far from the others. */
function points(models: number, seed: number): number[][] {
  const next = numbers(seed);
  return Array.from({ length: models }, (_, k) => Array.from(draw(next, 12, k === models - 1 ? 6 : 1)));
}

function productsOf(models: readonly (readonly number[])[]): Float64Array {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
  return Float64Array.from(models.flatMap((a) => models.map((b) => dot(a, b))));
}

const geometryOf = (models: readonly (readonly number[])[]) => new WeightGeometry(productsOf(models));

/** Different mixtures of two or more models, subsets and weighted ones. */
function mixturesOf(size: number, count: number, seed: number): Mixture[] {
  const next = numbers(seed);
  const found = new Map<string, Mixture>();
  while (found.size < count) {
    const members = [...Array(size).keys()].filter((k) => next() > 0 || k < 2);
    const weights = Array.from({ length: size }, (_, k) => (members.includes(k) ? 1.1 + next() : 0));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const uniform = Mixture.uniform(size, members);
    const isKnown = found.size % 3 === 0 || found.has(uniform.key);
    const mixture = isKnown ? Mixture.of(weights.map((weight) => weight / sum)) : uniform;
    found.set(mixture.key, mixture);
  }
  return [...found.values()];
}

const SIZE = 7;
const models = points(SIZE, 5);
const geometry = geometryOf(models);
const observed = mixturesOf(SIZE, 9, 1);
const asked = mixturesOf(SIZE, 30, 2);
const next = numbers(3);
const gaps = observed.map((mixture) => -0.05 * geometry.variance(mixture.weights) + 0.01 * next());
const fixed = { amplitude: 0.1, length: 1, linear: 1 };

function modelOf(count: number, variance: number, options = {}): GapModel {
  const model = new GapModel(geometry, options);
  for (let i = 0; i < count; i++) model.observe(observed[i] as Mixture, gaps[i] as number, variance);
  return model;
}

describe('a model of the gap', () => {
  test('expects soups to be their ensembles before it has seen any, the less certainly the further the models are apart', () => {
    const { mean, variance } = new GapModel(geometry).predict(asked);
    expect(mean.every((value) => value === 0)).toBe(true);
    expect(variance.every((value) => value > 0)).toBe(true);
    const near = Mixture.uniform(SIZE, [0, 1]);
    const far = Mixture.uniform(SIZE, [0, SIZE - 1]);
    const [ofNear, ofFar] = new GapModel(geometry).predict([near, far]).variance;
    expect(ofFar).toBeGreaterThan(ofNear as number);
  });

  test('knows that a single model is its own ensemble, whatever it has seen', () => {
    const singles = [...Array(SIZE).keys()].map((k) => Mixture.uniform(SIZE, [k]));
    const model = modelOf(9, 1e-4);
    model.observe(singles[2] as Mixture, 0.5, 0);
    expect(model.observations).toBe(9);
    const { mean, variance } = model.predict(singles);
    expect([...mean, ...variance].every((value) => value === 0)).toBe(true);
  });

  test('is nearly certain beside a single model', () => {
    const beside = Mixture.of([1 - 1e-4, 1e-4, 0, 0, 0, 0, 0]);
    const { mean, variance } = modelOf(9, 1e-4).predict([beside]);
    expect(Math.abs(mean[0] as number)).toBeLessThan(1e-3);
    expect(Math.sqrt(variance[0] as number)).toBeLessThan(1e-3);
  });

  test('repeats what it was told without noise', () => {
    for (const options of [{}, { hyperparameters: fixed }]) {
      const { mean, variance } = modelOf(9, 0, options).predict(observed);
      for (const [i, gap] of gaps.entries()) {
        expect(Math.abs((mean[i] as number) - gap)).toBeLessThan(1e-6);
        expect(variance[i]).toBeLessThan(1e-9);
      }
    }
  });

  test('becomes more certain of every mixture with each observation', () => {
    let before = modelOf(0, 1e-4, { hyperparameters: fixed }).predict(asked).variance;
    for (let count = 1; count <= 9; count++) {
      const { variance } = modelOf(count, 1e-4, { hyperparameters: fixed }).predict(asked);
      for (const [i, value] of variance.entries()) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual((before[i] as number) * (1 + 1e-9) + 1e-15);
      }
      before = variance;
    }
  });

  test('permutes with the pool', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(SIZE).keys()], { minLength: SIZE }), (order) => {
        const permute = ({ weights }: Mixture) => Mixture.of(order.map((k) => weights[k] as number));
        const permuted = new GapModel(geometryOf(order.map((k) => models[k] as number[])));
        for (const [i, mixture] of observed.entries()) permuted.observe(permute(mixture), gaps[i] as number, 1e-5);
        const expected = modelOf(9, 1e-5).predict(asked);
        const found = permuted.predict(asked.map(permute));
        for (const i of asked.keys()) {
          expect(found.mean[i]).toBeCloseTo(expected.mean[i] as number, 8);
          expect(found.variance[i]).toBeCloseTo(expected.variance[i] as number, 8);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('says the same in whatever order it was told', () => {
    const reversed = new GapModel(geometry);
    for (const i of [...observed.keys()].reverse()) reversed.observe(observed[i] as Mixture, gaps[i] as number, 1e-5);
    const [expected, found] = [modelOf(9, 1e-5).predict(asked), reversed.predict(asked)];
    for (const i of asked.keys()) expect(found.mean[i]).toBeCloseTo(expected.mean[i] as number, 8);
  });

  test('learns that soups with the far model are ruined, from two of them', () => {
    const model = new GapModel(geometry);
    const last = SIZE - 1;
    for (const other of [0, 1]) model.observe(Mixture.uniform(SIZE, [other, last]), -0.8, 1e-4);
    for (const other of [2, 3]) model.observe(Mixture.uniform(SIZE, [other, 0]), 0.005, 1e-4);
    const [ruined, sound] = model.predict([Mixture.uniform(SIZE, [2, last]), Mixture.uniform(SIZE, [1, 3])]).mean;
    expect(ruined).toBeLessThan(-0.3);
    expect(Math.abs(sound as number)).toBeLessThan(0.1);
  });

  test('stands equal models, one model, and the same soup observed again', () => {
    const twins = geometryOf([models[0], models[0], models[1]] as number[][]);
    const model = new GapModel(twins);
    for (const gap of [0.01, 0.02, 0.02]) model.observe(Mixture.uniform(3, [0, 1, 2]), gap, 0);
    model.observe(Mixture.uniform(3, [0, 1]), 0, 0);
    const { mean, variance } = model.predict(mixturesOf(3, 9, 4));
    expect([...mean, ...variance].every(Number.isFinite)).toBe(true);
    expect(new GapModel(geometryOf([[1, 2]])).predict([Mixture.uniform(1, [0])]).mean[0]).toBe(0);
  });

  test.each([
    [Number.NaN, 0],
    [0, -1],
    [0, Number.NaN],
  ])('refuses a gap of %d with a variance of %d', (gap, variance) => {
    expect(() => new GapModel(geometry).observe(observed[0] as Mixture, gap, variance)).toThrow(RangeError);
  });

  test.skipIf(!hasNumpy)('agrees with a dense computation by numpy, hyper-parameters included', () => {
    const input = {
      models,
      observed: observed.map(({ weights }) => [...weights]),
      gaps,
      noise: gaps.map((_, i) => 1e-5 * (1 + i)),
      asked: asked.map(({ weights }) => [...weights]),
    };
    const { status, stdout, stderr } = spawnSync(python, ['-c', DENSE], {
      input: JSON.stringify(input),
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const dense = JSON.parse(stdout) as { best: number[]; mean: number[]; variance: number[] };
    const model = new GapModel(geometry);
    for (const [i, mixture] of observed.entries()) {
      model.observe(mixture, gaps[i] as number, input.noise[i] as number);
    }
    const { amplitude, length, linear } = model.hyperparameters;
    expect([amplitude, length, linear]).toEqual(dense.best.map((value) => expect.closeTo(value, 10)));
    const { mean, variance } = model.predict(asked);
    for (const i of asked.keys()) {
      expect(mean[i]).toBeCloseTo(dense.mean[i] as number, 7);
      expect(variance[i]).toBeCloseTo(dense.variance[i] as number, 7);
    }
  });
});

/** The process over the singles, told without noise, and the observations together, from the models' coordinates. */
const DENSE = `
import json, sys, numpy as np
data = json.load(sys.stdin)
W = np.array(data['models']); n = len(W)
O = np.array(data['observed']); A = np.array(data['asked']); y = np.array(data['gaps']); noise = np.array(data['noise'])
pairs = [np.linalg.norm(W[i] - W[j]) for i in range(n) for j in range(i)]
unit = np.median(pairs)
def features(P):
    soups = P @ W
    m = P * ((W[None] - soups[:, None]) ** 2).sum(2) / unit ** 2
    v = m.sum(1, keepdims=True)
    return np.hstack([v / (1 + v), -np.log((P ** 2).sum(1, keepdims=True)) / np.log(n), m / (1 + v)])
def kernel(P, Q, amplitude, length, linear):
    r = np.sqrt((((P @ W)[:, None] - (Q @ W)[None]) ** 2).sum(2)) / unit
    x = np.sqrt(5) * r / length
    return amplitude ** 2 * ((1 + x + x ** 2 / 3) * np.exp(-x) + linear * features(P) @ features(Q).T)
S = np.eye(n)
best = None
for length in [1, .5, 2, .25]:
    for linear in [1, 4, .25, 0]:
        for factor in [1, 1/3, 3, .1, 10, 1/30, 30]:
            h = (.03 * factor, length, linear)
            KSS = kernel(S, S, *h) + 1e-10 * h[0] ** 2 * np.eye(n)
            K = kernel(O, O, *h) - kernel(O, S, *h) @ np.linalg.solve(KSS, kernel(S, O, *h)) + np.diag(noise)
            value = -.5 * (y @ np.linalg.solve(K, y) + np.linalg.slogdet(K)[1]) - .5 * (np.log(factor) / np.log(10)) ** 2
            if best is None or value > best[0]: best = (value, h)
h = best[1]
T = np.vstack([S, O])
K = kernel(T, T, *h) + np.diag(np.concatenate([1e-10 * h[0] ** 2 * np.ones(n), noise]))
k = kernel(A, T, *h)
mean = k @ np.linalg.solve(K, np.concatenate([np.zeros(n), y]))
variance = np.diag(kernel(A, A, *h)) - (k * np.linalg.solve(K, k.T).T).sum(1)
print(json.dumps({'best': h, 'mean': mean.tolist(), 'variance': variance.tolist()}))
`;

test('the variance of a paired difference is McNemar’s, and never nothing', () => {
  expect(pairedVariance(12, 4, 1000)).toBeCloseTo((16 - 64 / 1000) / 1e6, 15);
  expect(pairedVariance(0, 0, 1000)).toBe(1e-6);
  expect(pairedVariance(1000, 0, 1000)).toBe(1e-6);
});
