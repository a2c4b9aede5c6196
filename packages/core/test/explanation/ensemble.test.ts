import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainEnsemble } from '../../src/explanation/index.js';
import { memberSums } from '../../src/explanation/member-sums.js';
import { sampledInteractions } from '../../src/explanation/sampled-interactions.js';
import { sampledShapley } from '../../src/explanation/sampled-shapley.js';
import { emptyScore, exactShapley } from '../../src/explanation/shapley.js';
import { shapleyOnParts } from '../../src/explanation/shapley-on-parts.js';
import { accuracy, crossEntropy, topK } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { Random } from '../../src/random.js';
import type { EnsembleScores } from '../../src/sampler/index.js';
import { everySubset } from '../pools.js';
import { drawPool, permuted, withContext } from '../sampler/ensembles.js';

const PYTHON = '/usr/bin/python3';
const hasNumpy = spawnSync(PYTHON, ['-c', 'import numpy']).status === 0;
if (!hasNumpy) process.stderr.write('numpy is not installed: the comparison with it is skipped\n');

const options = { exactUpTo: 24, seconds: 5, seed: 0, samplePairs: true, candidates: [] };

/** v of every subset by its bit mask, v(∅) at 0, from the scores of mixtures one by one. */
async function game(ensemble: EnsembleScores): Promise<{ v: number[]; singles: Float64Array }> {
  const size = ensemble.poolSize;
  const mixtures = everySubset(size).map((members) => Mixture.uniform(size, members));
  const scores = [...(await ensemble.scores(mixtures, 'metric'))];
  const singles = Float64Array.from({ length: size }, (_, k) => scores[2 ** k - 1] as number);
  return { v: [emptyScore(singles), ...scores], singles };
}

function* permutations(items: readonly number[]): Generator<number[]> {
  if (items.length === 0) yield [];
  for (const item of items)
    for (const rest of permutations(items.filter((other) => other !== item))) yield [item, ...rest];
}

/** The definition: what each adds to those before it, over all N! orders. */
function shapleyByOrders(v: readonly number[], size: number): number[] {
  const values = new Array<number>(size).fill(0);
  let orders = 0;
  for (const order of permutations([...Array(size).keys()])) {
    let mask = 0;
    for (const k of order) {
      values[k] = (values[k] as number) + (v[mask | (1 << k)] as number) - (v[mask] as number);
      mask |= 1 << k;
    }
    orders++;
  }
  return values.map((value) => value / orders);
}

/** The definition: over all orders of the others, and all places that a pair can take among them. */
function interactionByOrders(v: readonly number[], size: number, i: number, j: number): number {
  const others = [...Array(size).keys()].filter((k) => k !== i && k !== j);
  let [sum, count] = [0, 0];
  for (const order of permutations(others)) {
    for (let place = 0; place <= order.length; place++) {
      const mask = order.slice(0, place).reduce((bits, k) => bits | (1 << k), 0);
      const at = (bits: number) => v[mask | bits] as number;
      sum += at((1 << i) | (1 << j)) - at(1 << i) - at(1 << j) + at(0);
      count++;
    }
  }
  return sum / count;
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-10): void {
  expect(found.length).toBe(expected.length);
  for (let at = 0; at < found.length; at++) {
    expect(Math.abs((found[at] as number) - (expected[at] as number))).toBeLessThan(within);
  }
}

describe('exact values of models', () => {
  it.each([
    [1, accuracy],
    [2, accuracy],
    [3, crossEntropy],
    [5, topK(2)],
    [6, crossEntropy],
    [7, accuracy],
  ])('are those of all orders of %d models', async (models, metric) => {
    const pool = drawPool({ models, samples: 60, classes: 4, seed: models });
    await withContext(pool, { metric }, async ({ ensemble }) => {
      const { v, singles } = await game(ensemble);
      const found = await explainEnsemble(ensemble, singles, options);
      expect(found.method).toBe('exact');
      expectClose(found.shapley, shapleyByOrders(v, models));
      const full = v.length - 1;
      expect(found.shapley.reduce((a, b) => a + b, 0)).toBeCloseTo((v[full] as number) - (v[0] as number), 10);
      expect(found.pairs).toHaveLength((models * (models - 1)) / 2);
      for (const { models: pair, interaction } of found.pairs) {
        expect(interaction).toBeCloseTo(interactionByOrders(v, models, ...pair), 10);
      }
      expectClose(
        found.leaveOneOut,
        Array.from({ length: models }, (_, k) => (v[full] as number) - (v[full - 2 ** k] as number)),
      );
    });
  });

  it('follow the models when the pool is permuted', async () => {
    const pool = drawPool({ models: 5, samples: 80, classes: 3, seed: 9 });
    const order = [3, 0, 4, 1, 2];
    const explain = (one: typeof pool) =>
      withContext(one, {}, async ({ ensemble }) => explainEnsemble(ensemble, (await game(ensemble)).singles, options));
    const [first, second] = [await explain(pool), await explain(permuted(pool, order))];
    expectClose(
      second.shapley,
      order.map((k) => first.shapley[k] as number),
    );
  });

  it('are equal for equal models', async () => {
    const pool = drawPool({ models: 4, samples: 80, classes: 3, seed: 2 });
    const doubled = permuted(pool, [0, 1, 1, 3]);
    await withContext(doubled, {}, async ({ ensemble }) => {
      const { shapley } = await explainEnsemble(ensemble, (await game(ensemble)).singles, options);
      expect(shapley[1]).toBeCloseTo(shapley[2] as number, 12);
    });
  });

  it.skipIf(!hasNumpy)('agree with numpy on random games of 9 models', () => {
    const size = 9;
    const random = new Random(4);
    const raw = Float64Array.from({ length: 2 ** size }, () => random.below(1000));
    const { values, interactions } = exactShapley({ poolSize: size, raw, divisor: 1000 }, 0.25);
    const program = `
import sys, numpy, math
v = numpy.frombuffer(sys.stdin.buffer.read()) / 1000
v = v.copy(); v[0] = 0.25
n = ${size}; m = numpy.arange(2 ** n); s = ((m[:, None] >> numpy.arange(n)) & 1).sum(1)
f = numpy.array([math.factorial(i) for i in range(n + 1)], float)
out = []
for k in range(n):
    t = m[(m >> k) & 1 == 0]
    out.append((f[s[t]] * f[n - s[t] - 1] / f[n] * (v[t | 1 << k] - v[t])).sum())
for i in range(n):
    for j in range(n):
        t = m[((m >> i) & 1 == 0) & ((m >> j) & 1 == 0)]
        d = v[t | 1 << i | 1 << j] - v[t | 1 << i] - v[t | 1 << j] + v[t]
        out.append(0 if i == j else (f[s[t]] * f[n - s[t] - 2] / f[n - 1] * d).sum())
sys.stdout.buffer.write(numpy.array(out).tobytes())`;
    const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], { input: raw });
    expect(stderr.toString()).toBe('');
    expect(status).toBe(0);
    const expected = new Float64Array(new Uint8Array(stdout).buffer);
    expectClose([...values, ...interactions], expected);
  });

  it('rest on sums that a loop over the subsets gives', () => {
    const values = fc
      .integer({ min: 0, max: 7 })
      .chain((size) =>
        fc.tuple(
          fc.constant(size),
          fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 2 ** size, maxLength: 2 ** size }),
        ),
      );
    fc.assert(
      fc.property(values, ([size, all]) => {
        const { total, single, pair } = memberSums(size, Float64Array.from(all));
        const sumOf = (bits: number) => all.reduce((sum, value, mask) => sum + ((mask & bits) === bits ? value : 0), 0);
        expect(total).toBe(sumOf(0));
        for (let i = 0; i < size; i++) {
          expect(single[i]).toBe(sumOf(1 << i));
          for (let j = 0; j < i; j++)
            expect([pair[i * size + j], pair[j * size + i]]).toEqual(Array(2).fill(sumOf((1 << i) | (1 << j))));
        }
      }),
    );
  });
});

describe('sampled values of models', () => {
  const pool = drawPool({ models: 8, samples: 200, classes: 4, seed: 3 });

  it('add up to what the ensemble gains, and are within their errors of the exact ones', async () => {
    await withContext(pool, {}, async ({ ensemble }) => {
      const { v, singles } = await game(ensemble);
      const exact = exactShapley({ poolSize: 8, raw: v, divisor: 1 }, v[0] as number).values;
      // z scores of 8 models and 25 seeds: their mean square is 1 if the errors are right, and N times as much if they were not.
      const squares: number[] = [];
      for (let seed = 0; seed < 25; seed++) {
        const { values, errors } = await sampledShapley(ensemble, singles, v[0] as number, 20, new Random(seed));
        expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo((v[255] as number) - (v[0] as number), 10);
        for (const [k, value] of values.entries())
          squares.push(((value - (exact[k] as number)) / (errors[k] as number)) ** 2);
      }
      const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
      expect(mean).toBeGreaterThan(0.6);
      expect(mean).toBeLessThan(1.7);
    });
  });

  it('are within their errors of those of all samples where some samples must do', async () => {
    const many = drawPool({ models: 6, samples: 1600, classes: 4, seed: 11 });
    await withContext(many, {}, async ({ ensemble }) => {
      const { v } = await game(ensemble);
      const exact = exactShapley({ poolSize: 6, raw: v, divisor: 1 }, v[0] as number).values;
      const gain = (v[63] as number) - (v[0] as number);
      const squares: number[] = [];
      for (let seed = 0; seed < 25; seed++) {
        const found = await shapleyOnParts(ensemble, gain, 40, new Random(seed));
        expect(found.samples).toBe(320);
        expect(found.values.reduce((a, b) => a + b, 0)).toBeCloseTo(gain, 10);
        for (let k = 0; k < 6; k++) {
          squares.push((((found.values[k] as number) - (exact[k] as number)) / (found.errors[k] as number)) ** 2);
          const leftOut = (v[63] as number) - (v[63 - 2 ** k] as number);
          squares.push((((found.leaveOneOut[k] as number) - leftOut) / (found.leaveOneOutErrors[k] as number)) ** 2);
        }
      }
      const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
      expect(mean).toBeGreaterThan(0.4);
      expect(mean).toBeLessThan(1.7);
    });
  });

  it('have interactions within their errors of the exact ones', async () => {
    await withContext(pool, {}, async ({ ensemble }) => {
      const { v } = await game(ensemble);
      const exact = exactShapley({ poolSize: 8, raw: v, divisor: 1 }, v[0] as number).interactions;
      const squares: number[] = [];
      for (let seed = 0; seed < 10; seed++) {
        const found = await sampledInteractions(ensemble, [1, 4, 6], v[0] as number, 40, new Random(seed));
        expect(found.map(({ models }) => models)).toEqual([
          [1, 4],
          [1, 6],
          [4, 6],
        ]);
        for (const { models, interaction, error } of found) {
          squares.push(((interaction - (exact[models[0] * 8 + models[1]] as number)) / (error as number)) ** 2);
        }
      }
      // Sizes are spread evenly and not drawn, so errors are rather too large.
      const mean = squares.reduce((a, b) => a + b, 0) / squares.length;
      expect(mean).toBeGreaterThan(0.1);
      expect(mean).toBeLessThan(2);
    });
  });

  it.each([1, 2, 3, 4])('are exact for %d models but for what is in between', async (models) => {
    const small = drawPool({ models, samples: 60, classes: 4, seed: 8 });
    await withContext(small, {}, async ({ ensemble }) => {
      const { v, singles } = await game(ensemble);
      const { values, leaveOneOut, all } = await sampledShapley(ensemble, singles, v[0] as number, 50, new Random(1));
      expect(all).toBe(v.at(-1));
      expectClose(values, shapleyByOrders(v, models), models < 3 ? 1e-12 : 0.02);
      expectClose(
        leaveOneOut,
        Array.from({ length: models }, (_, k) => all - (v[v.length - 1 - 2 ** k] as number)),
      );
    });
  });

  it('are the same for the same seed, and taken where all subsets are too many', async () => {
    await withContext(pool, {}, async ({ ensemble }) => {
      const { singles } = await game(ensemble);
      const candidates = [[0, 1], [2], [0, 5, 6]].map((members, at) => ({
        mixture: Mixture.uniform(8, members),
        approxScore: at === 1 ? 0.9 : 0.5,
      }));
      const sampled = { ...options, exactUpTo: 7, seconds: 0.001, candidates, chosen: [2, 3] };
      const found = await explainEnsemble(ensemble, singles, sampled);
      expect(found.method).toBe('sampled');
      expect(found.shapleyErrors).toHaveLength(8);
      expect(found.pairs).toHaveLength(28);
      expect(found.inclusion).toMatchObject({ best: 1, candidates: 3 });
      expect([...found.inclusion.shares]).toEqual([0, 0, 1, 0, 0, 0, 0, 0]);
      expect(found.inclusion.expected[0]).toBeCloseTo(2 / 3, 12);
      expect(await explainEnsemble(ensemble, singles, sampled)).toEqual(found);
      expect((await explainEnsemble(ensemble, singles, { ...sampled, samplePairs: false })).pairs).toEqual([]);
    });
  });
});

describe('inclusion among the best 1 %', () => {
  it('counts all subsets, and those that tie for the last places in part', async () => {
    const pool = drawPool({ models: 8, samples: 40, classes: 4, seed: 5 });
    await withContext(pool, {}, async ({ ensemble }) => {
      const { v, singles } = await game(ensemble);
      const { inclusion } = await explainEnsemble(ensemble, singles, options);
      expect(inclusion).toMatchObject({ best: 3, candidates: 255 });
      const masks = [...v.keys()].slice(1).sort((a, b) => (v[b] as number) - (v[a] as number));
      const last = v[masks[2] as number] as number;
      const above = masks.filter((mask) => (v[mask] as number) > last);
      const tied = masks.filter((mask) => v[mask] === last);
      expect(tied.length).toBeGreaterThan(3 - above.length);
      const having = (list: readonly number[], k: number) => list.filter((mask) => (mask >> k) & 1).length;
      const expected = Array.from(
        { length: 8 },
        (_, k) => (having(above, k) + (having(tied, k) * (3 - above.length)) / tied.length) / 3,
      );
      expectClose(inclusion.shares, expected);
      expectClose(inclusion.expected, Array(8).fill(128 / 255));
    });
  });
});
