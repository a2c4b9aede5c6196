import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crossEntropy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { SAMPLERS, type Sampler } from '../../src/sampler/index.js';
import { drawPool, everyMixture, sampled, scoresOf } from './ensembles.js';

const named = (name: string): Sampler => SAMPLERS.find((sampler) => sampler.name === name) as Sampler;
const shape = fc.record({
  models: fc.integer({ min: 1, max: 6 }),
  samples: fc.integer({ min: 1, max: 60 }),
  classes: fc.integer({ min: 2, max: 4 }),
  seed: fc.nat(),
});
const small = { numRuns: 25 };

/** The scores of all subsets by key, by cross-entropy: without ties, so that every step has one right answer. */
async function allScores(pool: Parameters<typeof sampled>[1]) {
  const all = everyMixture(pool.models.length);
  const scores = await scoresOf(pool, all, 'cross-entropy');
  return new Map(all.map(({ key }, index) => [key, scores[index] as number]));
}

const key = (models: number, members: readonly number[]) => Mixture.uniform(models, members).key;

/** Members of the best of these subsets. */
function best(models: number, scores: ReadonlyMap<string, number>, subsets: readonly (readonly number[])[]) {
  return subsets.reduce((first, one) =>
    (scores.get(key(models, one)) as number) > (scores.get(key(models, first)) as number) ? one : first,
  );
}

describe.each(['forward', 'backward'])('%s selection', (direction) => {
  test('takes at every step the model that is best there', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (drawn) => {
        const pool = drawPool(drawn);
        const { models } = drawn;
        const scores = await allScores(pool);
        const all = [...Array(models).keys()];
        let members =
          direction === 'forward'
            ? best(
                models,
                scores,
                all.map((one) => [one]),
              )
            : all;
        const path = [members];
        while (direction === 'forward' ? members.length < models : members.length > 1) {
          const near =
            direction === 'forward'
              ? all.filter((one) => !members.includes(one)).map((one) => [...members, one])
              : members.map((one) => members.filter((other) => other !== one));
          members = best(models, scores, near);
          path.push(members);
        }
        const found = await sampled(named(`${direction}-cross-entropy`), pool);
        const keys = path.map((one) => key(models, one));
        // Three steps without a new best end the path.
        const passed = path.slice(0, found.length);
        expect(found.map((one) => one.key).sort()).toEqual(keys.slice(0, found.length).sort());
        expect(found.length).toBeGreaterThanOrEqual(Math.min(path.length, 4));
        expect(found[0]?.key).toBe(key(models, best(models, scores, passed)));
      }),
      small,
    );
  });
});

test('selection with replacement weighs models by how often they were taken, and is as good as any single model', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (drawn) => {
      const pool = drawPool(drawn);
      const found = await sampled(named('with-replacement-cross-entropy'), pool);
      const [score] = await scoresOf(pool, found.slice(0, 1), 'cross-entropy');
      const singles = everyMixture(drawn.models).filter(({ size }) => size === 1);
      expect(score).toBeGreaterThanOrEqual(Math.max(...(await scoresOf(pool, singles, 'cross-entropy'))));
      for (const { weights } of found) {
        const steps = [...Array(60).keys()].map((step) => step + 1);
        const isCount = (total: number) =>
          weights.every((weight) => Math.abs(weight * total - Math.round(weight * total)) < 1e-9);
        expect(steps.some(isCount)).toBe(true);
      }
    }),
    small,
  );
});

test('top-k proposes the prefixes of the order by validation score, equal models in pool order', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (drawn) => {
      const pool = drawPool(drawn);
      const { models } = drawn;
      const singles = [...Array(models).keys()];
      const scores = await scoresOf(
        pool,
        singles.map((model) => Mixture.uniform(models, [model])),
        'metric',
      );
      const order = singles.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
      const expected = order.map((_, last) => key(models, order.slice(0, last + 1)));
      expect((await sampled(named('top-k'), pool)).map((one) => one.key).sort()).toEqual(expected.sort());
    }),
    small,
  );
});

test('small sets are all single models and all subsets of the eight best', async () => {
  const models = 10;
  const pool = drawPool({ models, samples: 90, classes: 4, seed: 3 });
  const found = await sampled(named('small-sets'), pool, { metric: crossEntropy });
  const singles = [...Array(models).keys()].map((model) => Mixture.uniform(models, [model]));
  const scores = await scoresOf(pool, singles, 'cross-entropy');
  const best = singles
    .map((_, model) => model)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number))
    .slice(0, 8);
  const expected = everyMixture(models).filter(
    ({ size, ingredients }) => size === 1 || ingredients.every((one) => best.includes(one)),
  );
  expect(found.map((one) => one.key).sort()).toEqual(expected.map((one) => one.key).sort());
});

describe.each(['beam', 'genetic', 'swaps'])('%s', (name) => {
  test('finds the best subset of small pools by cross-entropy in most of 30 pools', async () => {
    let hits = 0;
    for (let seed = 0; seed < 30; seed++) {
      const pool = drawPool({ models: 8, samples: 60, classes: 4, seed });
      const scores = await allScores(pool);
      const [found] = await sampled(named(name), pool, { metric: crossEntropy });
      if (scores.get(found?.key as string) === Math.max(...scores.values())) hits++;
    }
    expect(hits).toBeGreaterThanOrEqual(25);
  });
});

test('no neighbour of the best that swaps find is better', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async (drawn) => {
      const pool = drawPool(drawn);
      const [found] = (await sampled(named('swaps'), pool)) as [Mixture];
      const [score] = await scoresOf(pool, [found], 'metric');
      const near = everyMixture(drawn.models).filter(({ weights, size }) => {
        const different = weights.filter((weight, k) => weight > 0 !== (found.weights[k] as number) > 0).length;
        return different === 1 || (different === 2 && size === found.size);
      });
      for (const other of await scoresOf(pool, near, 'metric')) expect(other).toBeLessThanOrEqual(score as number);
    }),
    small,
  );
});

test('the first that is proposed is the best of all that are', async () => {
  const pool = drawPool({ models: 9, samples: 120, classes: 5, seed: 8 });
  for (const sampler of SAMPLERS) {
    if (['monte-carlo', 'exhaustive', 'small-sets', 'convex'].includes(sampler.name)) continue;
    const criterion = sampler.name.endsWith('cross-entropy') ? 'cross-entropy' : 'metric';
    const found = await sampled(sampler, pool);
    const scores = await scoresOf(pool, found, criterion);
    expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
  }
});
