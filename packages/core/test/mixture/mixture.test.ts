import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { everySubset } from '../pools.js';

const sum = (weights: Float64Array) => weights.reduce((total, weight) => total + weight, 0);

/** A pool size and a non-empty list of its models, in any order, some more than once. */
const indices = fc
  .integer({ min: 1, max: 40 })
  .chain((size) => fc.tuple(fc.constant(size), fc.array(fc.nat(size - 1), { minLength: 1, maxLength: 60 })));

/** Weights that sum to 1 to rounding, some of them 0. */
const mixing = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 1, noNaN: true })), { minLength: 1, maxLength: 20 })
  .filter((weights) => weights.some((weight) => weight > 0))
  .map((weights) => {
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  });

describe('a uniform subset', () => {
  test('weighs its models alike and the others 0', () => {
    const mixture = Mixture.uniform(5, [3, 0]);
    expect([...mixture.weights]).toEqual([0.5, 0, 0, 0.5, 0]);
    expect(mixture).toMatchObject({ ingredients: [0, 3], size: 2, uniform: true });
  });

  test('is the same whatever the order of its models and how often they are listed', () => {
    fc.assert(
      fc.property(indices, fc.infiniteStream(fc.nat()), ([size, list], order) => {
        const ranks = list.map(() => order.next().value as number);
        const shuffled = list.map((_, at) => at).sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
        const mixture = Mixture.uniform(size, list);
        const other = Mixture.uniform(size, [...shuffled.map((at) => list[at] as number), list[0] as number]);
        expect(other).toEqual(mixture);
        expect(sum(mixture.weights)).toBeCloseTo(1, 12);
        expect(mixture.ingredients).toEqual([...new Set(list)].sort((a, b) => a - b));
      }),
    );
  });

  test.each([[[]], [[3]], [[-1]], [[0.5]], [[Number.NaN]]])('of the models %j of 3 is refused', (list) => {
    expect(() => Mixture.uniform(3, list)).toThrow(RangeError);
  });
});

describe('weights', () => {
  test('are divided by their sum where rounding kept it from 1', () => {
    const mixture = Mixture.of([0.3 + 3e-7, 0, 0.7]);
    expect(mixture.ingredients).toEqual([0, 2]);
    expect(sum(mixture.weights)).toBe(1);
    expect(mixture.uniform).toBe(false);
  });

  test('sum to 1, and are their ingredients’ alone', () => {
    fc.assert(
      fc.property(mixing, (weights) => {
        const mixture = Mixture.of(weights);
        expect(sum(mixture.weights)).toBeCloseTo(1, 12);
        expect(mixture.ingredients).toEqual([...weights.keys()].filter((index) => (weights[index] as number) > 0));
        expect(mixture.size).toBe(mixture.ingredients.length);
      }),
    );
  });

  test('that are alike make the uniform subset', () => {
    for (const members of everySubset(6)) {
      const weights = Array.from({ length: 6 }, (_, k) => (members.includes(k) ? 1 / members.length : 0));
      expect(Mixture.of(weights)).toEqual(Mixture.uniform(6, members));
    }
  });

  test('that are alike after the division make the uniform subset too', () => {
    const mixture = Mixture.of([0.5 + 2 ** -53, 0.5]);
    const uniform = Mixture.uniform(2, [0, 1]);
    // Either is right: one mixture under one key, or two under two.
    expect(mixture.key === uniform.key).toBe(mixture.weights.every((weight, k) => weight === uniform.weights[k]));
  });

  test.each([
    [[]],
    [[0, 0]],
    [[0.5, 0.4]],
    [[0.6, 0.5]],
    [[1.5, -0.5]],
    [[1, Number.NaN]],
    [[Number.POSITIVE_INFINITY, 0]],
    [[1 + 1e-5]],
  ])('%j are refused', (weights) => {
    expect(() => Mixture.of(weights)).toThrow(RangeError);
  });
});

describe('the key', () => {
  test('is the same exactly for the same weights', () => {
    fc.assert(
      fc.property(mixing, mixing, (a, b) => {
        const [one, two] = [Mixture.of(a), Mixture.of(b)];
        expect(Mixture.of(a).key).toBe(one.key);
        const ingredients = (mixture: Mixture) => mixture.ingredients.map((k) => [k, mixture.weights[k]]);
        const equal = JSON.stringify(ingredients(one)) === JSON.stringify(ingredients(two));
        expect(one.key === two.key).toBe(equal);
      }),
    );
  });

  test('tells all subsets of a pool apart and orders those of one size by their members', () => {
    const mixtures = everySubset(12).map((members) => Mixture.uniform(12, members));
    expect(new Set(mixtures.map(({ key }) => key)).size).toBe(2 ** 12 - 1);
    const triples = mixtures.filter(({ size }) => size === 3).sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const [at, { ingredients }] of triples.entries()) {
      const before = triples[at - 1]?.ingredients ?? [-1, -1, -1];
      const differs = ingredients.findIndex((member, place) => member !== before[place]);
      expect(ingredients[differs]).toBeGreaterThan(before[differs] as number);
    }
  });
});
