import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mixture } from '../../src/mixture/index.js';
import { rankCandidates, selectBest, withPrior } from '../../src/stage1/index.js';
import { everySubset } from '../pools.js';

const subset = (...members: number[]) => Mixture.uniform(5, members);
const rank = (entries: readonly (readonly [Mixture, number])[], lambda: number) =>
  rankCandidates(
    entries.map(([mixture]) => mixture),
    Float64Array.from(entries, ([, score]) => score),
    lambda,
  );
const order = (candidates: readonly { mixture: Mixture }[]) =>
  candidates.map(({ mixture }) => mixture.ingredients.join(''));

describe('stage 1 orders candidates', () => {
  test('by their approximate score, best first, ranks from 1', () => {
    const ranked = rank(
      [
        [subset(0), 0.2],
        [subset(1, 2), 0.9],
        [subset(3), 0.5],
      ],
      0,
    );
    expect(order(ranked)).toEqual(['12', '3', '0']);
    expect(ranked.map(({ rank: place }) => place)).toEqual([1, 2, 3]);
    expect(ranked.map(({ approxScore }) => approxScore)).toEqual([0.9, 0.5, 0.2]);
  });

  test('of equal scores by size, larger first, then by their members', () => {
    const entries = [subset(4), subset(0, 3), subset(1), subset(0, 1), subset(2, 3, 4), subset(1, 2)];
    expect(
      order(
        rank(
          entries.map((mixture) => [mixture, 0.5]),
          0,
        ),
      ),
    ).toEqual(['234', '01', '03', '12', '1', '4']);
  });

  test('of a total order: as it is whatever order they come in', () => {
    const mixtures = everySubset(5).map((members) => subset(...members));
    const scored = fc.tuple(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 31, maxLength: 31 }),
      fc.shuffledSubarray([...mixtures.keys()], { minLength: 31 }),
      fc.constantFrom(0, 0.25, 1),
    );
    fc.assert(
      fc.property(scored, ([scores, shuffled, lambda]) => {
        const entry = (at: number) => [mixtures[at] as Mixture, (scores[at] as number) / 4] as const;
        const ranked = rank([...mixtures.keys()].map(entry), lambda);
        expect(rank(shuffled.map(entry), lambda)).toEqual(ranked);
        for (const [at, { mixture, approxScore }] of ranked.entries()) {
          const before = ranked[at - 1];
          if (before === undefined) continue;
          const [earlier, later] = [
            before.approxScore + lambda * before.mixture.size,
            approxScore + lambda * mixture.size,
          ];
          expect(earlier).toBeGreaterThanOrEqual(later);
          if (earlier === later) expect(before.mixture.size).toBeGreaterThanOrEqual(mixture.size);
        }
      }),
    );
  });
});

describe('the prior', () => {
  const entries = [
    [subset(0), 1],
    [subset(1, 2), 0.1],
    [subset(0, 1), 0.4],
    [subset(0, 1, 2), 0],
  ] as const;

  test('adds λ for each model, and the candidates keep their scores without it', () => {
    expect(withPrior(0.5, 3, 0.25)).toBe(1.25);
    for (const { mixture, approxScore } of rank(entries, 1)) {
      expect(approxScore).toBe(entries.find(([other]) => other === mixture)?.[1]);
    }
  });

  test('of λ = 1 puts larger sets first, whatever their accuracy', () => {
    expect(order(rank(entries, 1))).toEqual(['012', '01', '12', '0']);
    const all = everySubset(5).map((members, at) => [subset(...members), (at % 7) / 7] as const);
    const sizes = rank(all, 1).map(({ mixture }) => mixture.size);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  });

  test('of λ = 0 has no say', () => {
    expect(order(rank(entries, 0))).toEqual(['0', '01', '12', '012']);
  });

  test('between them trades score for size', () => {
    expect(order(rank(entries, 0.5))).toEqual(
      ['0', '012', '01', '12'].sort((a, b) => score(b) - score(a) || b.length - a.length),
    );
    function score(members: string): number {
      const [, approx] = entries.find(([mixture]) => mixture.ingredients.join('') === members) ?? [];
      return (approx as number) + 0.5 * members.length;
    }
  });
});

describe('stage 2 selects', () => {
  const evaluated = (mixture: Mixture, approxScore: number, score: number) => ({
    mixture,
    approxScore,
    rank: 1,
    score,
  });

  test('by the real score, not by the approximate one and without the prior', () => {
    const best = selectBest([
      evaluated(subset(0, 1, 2), 0.9, 0.5),
      evaluated(subset(3), 0.1, 0.6),
      evaluated(subset(0), 1, 0.4),
    ]);
    expect(best.mixture.key).toBe(subset(3).key);
  });

  test('of equal scores the larger set, then the first by its members, wherever they stand', () => {
    const tied = [subset(1, 2), subset(4), subset(0, 3), subset(0, 4)].map((mixture) => evaluated(mixture, 0, 0.5));
    for (const candidates of [tied, tied.toReversed()]) expect(order([selectBest(candidates)])).toEqual(['03']);
  });
});
