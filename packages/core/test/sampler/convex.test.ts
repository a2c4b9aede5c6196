import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PoolLogits } from '../../src/logits/index.js';
import type { Mixture } from '../../src/mixture/index.js';
import { minimiseOnSimplex, SAMPLERS, type Sampler } from '../../src/sampler/index.js';
import { drawPool, everyMixture, sampled, scoresOf, withContext } from './ensembles.js';

const PYTHON = '/usr/bin/python3';
const hasScipy = spawnSync(PYTHON, ['-c', 'import numpy, scipy.optimize']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: the comparison with it is skipped\n');

const convex = SAMPLERS.find(({ name }) => name === 'convex') as Sampler;

/** Logits of one model. */
function valuesOf({ logits }: PoolLogits, model: number): Float32Array {
  const bytes = logits[model]?.source as Uint8Array;
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Mean cross-entropy of Σ p_k ŷ_k and its derivatives in float64, by plain loops. */
function lossOf(pool: PoolLogits, weights: ArrayLike<number>): { loss: number; gradient: number[] } {
  const { samples, classes, labels } = pool;
  const models = pool.logits.map((_, model) => valuesOf(pool, model));
  const gradient = models.map(() => 0);
  let loss = 0;
  for (let m = 0; m < samples; m++) {
    const label = labels[m] as number;
    const z = Array.from({ length: classes }, (_, c) =>
      models.reduce((sum, values, k) => sum + (weights[k] as number) * (values[m * classes + c] as number), 0),
    );
    const exponentials = z.map((logit) => Math.exp(logit - Math.max(...z)));
    const total = exponentials.reduce((sum, one) => sum + one, 0);
    loss += (Math.log(total) + Math.max(...z) - (z[label] as number)) / samples;
    for (const [k, values] of models.entries()) {
      const mean = exponentials.reduce((sum, one, c) => sum + (one / total) * (values[m * classes + c] as number), 0);
      gradient[k] = (gradient[k] as number) + (mean - (values[m * classes + label] as number)) / samples;
    }
  }
  return { loss, gradient };
}

/** SLSQP's minimum over p ≥ 0, with Σ p = 1 unless the scale is free. */
function scipyMinimum(pool: PoolLogits, isFree: boolean): { value: number; p: number[] } {
  const program = `
import sys, json, numpy as np
from scipy.optimize import minimize
d = json.load(sys.stdin)
x = np.array(d['logits']).reshape(d['models'], d['samples'], d['classes']); y = np.array(d['labels'])
def loss(p):
    z = np.tensordot(p, x, 1); top = z.max(1); e = np.exp(z - top[:, None]); s = e.sum(1); i = np.arange(len(y))
    q = e / s[:, None]; q[i, y] -= 1
    return (np.log(s) + top - z[i, y]).mean(), np.array([(q * one).sum() / len(y) for one in x])
n = d['models']
constraints = [] if d['free'] else [{'type': 'eq', 'fun': lambda p: p.sum() - 1, 'jac': lambda p: np.ones(n)}]
r = minimize(loss, np.ones(n) / n, jac=True, method='SLSQP', bounds=[(0, None)] * n, constraints=constraints, options={'ftol': 1e-13, 'maxiter': 1000})
print(json.dumps({'value': r.fun, 'p': r.x.tolist()}))`;
  const input = JSON.stringify({
    models: pool.models.length,
    samples: pool.samples,
    classes: pool.classes,
    logits: pool.logits.flatMap((_, model) => [...valuesOf(pool, model)]),
    labels: [...pool.labels],
    free: isFree,
  });
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], { input, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

const shape = fc.record({
  models: fc.integer({ min: 1, max: 9 }),
  samples: fc.integer({ min: 20, max: 200 }),
  classes: fc.integer({ min: 2, max: 6 }),
  seed: fc.nat(),
});

describe('the convex mixture', () => {
  test('is within 1e-6 of optimal by its Frank-Wolfe gap in float64, and no subset is better', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (drawn) => {
        const pool = drawPool(drawn);
        const [mixture] = (await sampled(convex, pool)) as [Mixture];
        const { loss, gradient } = lossOf(pool, mixture.weights);
        const along = gradient.reduce((sum, value, k) => sum + value * (mixture.weights[k] as number), 0);
        expect(along - Math.min(...gradient)).toBeLessThanOrEqual(1e-6);
        const best = Math.max(...(await scoresOf(pool, everyMixture(drawn.models), 'cross-entropy')));
        expect(loss).toBeLessThanOrEqual(-best + 1e-6);
      }),
      { numRuns: 40 },
    );
  });

  test('comes with its ingredients as a uniform subset', async () => {
    const [mixture, support] = (await sampled(convex, drawPool({ models: 8, samples: 150, classes: 4, seed: 2 }))) as [
      Mixture,
      Mixture,
    ];
    expect(mixture.uniform).toBe(false);
    expect(support.uniform).toBe(true);
    expect(support.ingredients).toEqual(mixture.ingredients);
  });

  test('of models that are all the same ends at once', async () => {
    const pool = drawPool({ models: 1, samples: 50, classes: 3, seed: 4 });
    const same = { ...pool, models: ['a', 'b', 'c'], logits: [...pool.logits, ...pool.logits, ...pool.logits] };
    expect((await sampled(convex, same)).length).toBeGreaterThan(0);
  });

  test('is the same where the Hessian comes from a part of the samples', async () => {
    const pool = drawPool({ models: 12, samples: 1000, classes: 6, seed: 6 });
    await withContext(pool, {}, async ({ ensemble }) => {
      const start = new Float64Array(12).fill(1 / 12);
      const scaled = await ensemble.scaledCrossEntropy(1, 13 * 250 * 6);
      const rough = {
        models: 12,
        at: async (points: readonly Float64Array[]) =>
          (await scaled.at(points.map((point) => Float64Array.of(...point, 0)))).map(({ loss, gradient }) => {
            return { loss, gradient: gradient.subarray(0, 12) };
          }),
      };
      const whole = await minimiseOnSimplex(ensemble.crossEntropy, start, 5e-7);
      const part = await minimiseOnSimplex(ensemble.crossEntropy, start, 5e-7, { rough });
      expect(part.gap).toBeLessThanOrEqual(5e-7);
      expect(Math.abs(part.loss - whole.loss)).toBeLessThan(1e-6);
    });
  });

  test('reports its gap, as the simplex search does', async () => {
    const pool = drawPool({ models: 20, samples: 400, classes: 10, seed: 3 });
    await withContext(pool, {}, async ({ ensemble }) => {
      const start = new Float64Array(20).fill(1 / 20);
      const { point, gap, loss } = await minimiseOnSimplex(ensemble.crossEntropy, start, 5e-7);
      expect(gap).toBeLessThanOrEqual(5e-7);
      expect(loss).toBeCloseTo(lossOf(pool, point).loss, 5);
    });
  });
});

describe.skipIf(!hasScipy)('scipy finds no lower cross-entropy', () => {
  test.each([1, 2, 3])('on the simplex, pool %d', async (seed) => {
    const pool = drawPool({ models: 7, samples: 200, classes: 5, seed });
    const [mixture] = (await sampled(convex, pool)) as [Mixture];
    const { value, p } = scipyMinimum(pool, false);
    expect(Math.abs(lossOf(pool, mixture.weights).loss - value)).toBeLessThan(1e-6);
    for (const [k, weight] of mixture.weights.entries()) expect(weight).toBeCloseTo(p[k] as number, 2);
  });

  // The drawn logits are too bold, those times 0.05 too timid: scales below and above 1.
  test.each([1, 0.05])('with a free scale, logits times %d', async (times) => {
    const drawn = drawPool({ models: 7, samples: 200, classes: 5, seed: 5 });
    const logits = drawn.logits.map((stored, model) => {
      const values = valuesOf(drawn, model).map((logit) => logit * times);
      return { ...stored, source: new Uint8Array(values.buffer) };
    });
    const pool = { ...drawn, logits };
    const { p, value } = scipyMinimum(pool, true);
    const scale = p.reduce((sum, weight) => sum + weight, 0);
    const free = (await sampled(convex, pool)).at(-1) as Mixture;
    const scaled = free.weights.map((weight) => weight * scale);
    expect(lossOf(pool, scaled).loss - value).toBeLessThan(2e-6);
    for (const [k, weight] of free.weights.entries()) expect(weight).toBeCloseTo((p[k] as number) / scale, 2);
  });
});
