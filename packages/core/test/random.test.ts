import { describe, expect, test } from 'vitest';
import { MAX_SEED, philox4x32, Random } from '../src/random.js';
import { chiSquare } from './pools.js';

describe('Philox4x32-10 gives the known answers of Random123', () => {
  const ones = 0xffffffff;
  test.each<[string, [number, number, number, number], [number, number], string]>([
    ['zeros', [0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ones', [ones, ones, ones, ones], [ones, ones], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      'the digits of pi',
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('for %s', (_, counter, key, expected) => {
    const words = philox4x32(counter, key).map((word) => word.toString(16).padStart(8, '0'));
    expect(words.join(' ')).toBe(expected);
  });
});

describe('a stream', () => {
  const take = (random: Random, count: number) => Array.from({ length: count }, () => random.uint32());

  test('is the blocks of counters 0, 1, 2 … under the seed as key', () => {
    const seed = 0x12345_9abcdef0;
    const blocks = [0, 1, 2].flatMap((block) => philox4x32([block, 0, 0, 0], [0x9abcdef0, 0x12345]));
    expect(take(new Random(seed), 12)).toEqual(blocks);
  });

  test('is the same for the same seed and another for another, also where only the upper half differs', () => {
    expect(take(new Random(7), 100)).toEqual(take(new Random(7), 100));
    const firsts = [0, 1, 2 ** 32, 2 ** 32 + 1, MAX_SEED].map((seed) => take(new Random(seed), 4).join());
    expect(new Set(firsts).size).toBe(5);
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses the seed %d', (seed) => {
    expect(() => new Random(seed)).toThrow(RangeError);
  });
});

describe('a number below a bound', () => {
  // Critical values of chi-square at p = 0.001.
  test.each([
    [2, 10.83],
    [3, 13.82],
    [7, 22.46],
    [10, 27.88],
  ])('is as likely to be any of %d', (bound, critical) => {
    const random = new Random(11);
    const counts = Array<number>(bound).fill(0);
    for (let draw = 0; draw < 20_000; draw++) {
      const value = random.below(bound);
      counts[value] = (counts[value] as number) + 1;
    }
    expect(counts).toHaveLength(bound);
    expect(chiSquare(counts)).toBeLessThan(critical);
  });

  test('has no bias where a bare remainder would make a third of the values twice as likely', () => {
    const random = new Random(12);
    const thirds = [0, 0, 0];
    for (let draw = 0; draw < 20_000; draw++) {
      const third = Math.floor(random.below(3 * 2 ** 30) / 2 ** 30);
      thirds[third] = (thirds[third] as number) + 1;
    }
    expect(chiSquare(thirds)).toBeLessThan(13.82);
  });

  test('is 0 below 1', () => {
    expect(new Random(0).below(1)).toBe(0);
  });
});

describe('a permutation', () => {
  test('has every integer once, in every order equally often', () => {
    const random = new Random(15);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 24_000; draw++) {
      const key = random.permutation(4).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(49.73);
  });
});

test('streams of one seed are different numbers, and the first is that of the seed alone', () => {
  const draw = (...parts: [number, number?]) => new Random(...parts).uint32();
  expect(draw(5, 0)).toBe(draw(5));
  expect(new Set([0, 1, 2, 3].map((stream) => draw(5, stream))).size).toBe(4);
});

describe('a subset', () => {
  test('is as likely to be any subset of its size', () => {
    const random = new Random(13);
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 20_000; draw++) {
      const key = random.subset(6, 3).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(20);
    expect(chiSquare([...counts.values()])).toBeLessThan(43.82);
  });

  test('has distinct members below the count, ascending, for every size', () => {
    const random = new Random(14);
    for (let count = 1; count <= 9; count++) {
      for (let size = 0; size <= count; size++) {
        const members = random.subset(count, size);
        expect(members).toHaveLength(size);
        for (const [at, member] of members.entries()) {
          expect(member).toBeGreaterThan(members[at - 1] ?? -1);
          expect(member).toBeLessThan(count);
        }
      }
    }
  });
});
