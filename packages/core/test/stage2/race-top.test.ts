import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy, type Metric, topK } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { type Candidate, selectBest } from '../../src/stage1/index.js';
import { type Racing, raceTop, type SplitScorer } from '../../src/stage2/index.js';
import { everySubset, refused, soupAccuracy, temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from '../recipes/opened.js';

const folder = temporaryFolder();
const [MODELS, SAMPLES, BATCH] = [5, 300, 8];
const pools = [1, 2, 3].map((seed) =>
  tinyPool(folder, { models: MODELS, samples: SAMPLES, hidden: 8, classes: 4, noise: 1.2, seed }),
);
const subsets = everySubset(MODELS);
const mixtures = subsets.map((members) => Mixture.uniform(MODELS, members));
const ranked: Candidate[] = mixtures.map((mixture, at) => ({ mixture, approxScore: 0, rank: at + 1 }));
const EXACT: Racing = { mode: 'exact' };

type Scored = Candidate & { readonly score: number };
const winnerOf = (candidates: readonly Candidate[]) =>
  selectBest(candidates.filter((candidate): candidate is Scored => candidate.score !== undefined));

describe.each([accuracy, topK(2), crossEntropy])('by $name, on every pool', (metric: Metric) => {
  test.each([0, 1, 2])('%d, a race has the winner and the scores of full passes', async (index) => {
    const pool = await (pools[index] as (typeof pools)[0]);
    const full = await openScorers(pool, metric, BATCH);
    const off = await raceTop(full.validation, ranked, 31, { mode: 'off' });
    const { validation, opened } = await openScorers(pool, metric, BATCH);
    const race = await raceTop(validation, ranked, 31, EXACT);
    expect(winnerOf(race.candidates)).toEqual(winnerOf(off.candidates));
    expect(opened).toHaveLength(31 - MODELS);
    const scores = new Map(off.candidates.map(({ rank, score }) => [rank, score as number]));
    for (const { rank, score, scoreAtMost, samples } of race.candidates) {
      if (score !== undefined) {
        expect(score).toBe(scores.get(rank));
        expect(scoreAtMost).toBeUndefined();
      } else {
        expect(scoreAtMost).toBeGreaterThanOrEqual(scores.get(rank) as number);
        expect(samples).toBeLessThan(SAMPLES);
      }
    }
    expect(off.passes).toBe(31 - MODELS);
    expect(race.passes).toBeLessThan(off.passes);
    if (metric === accuracy) {
      const plain = subsets.map((members) => soupAccuracy(pool, members, 'validation'));
      expect(off.candidates.map(({ score }) => score)).toEqual(plain);
    }
  });
});

test('what a race evaluates is the beginning of what full passes evaluate, in the same batches', async () => {
  const pool = await (pools[0] as (typeof pools)[0]);
  const [off, exact] = [await openScorers(pool, accuracy, BATCH), await openScorers(pool, accuracy, BATCH)];
  await raceTop(off.validation, ranked, 31, { mode: 'off' });
  const { candidates, passes } = await raceTop(exact.validation, ranked, 31, EXACT);
  const whole = new Map(off.parts.map(({ id, samples }) => [id, samples]));
  const seen = new Map<string, number[]>();
  for (const { id, samples } of exact.parts) {
    const before = seen.get(id) ?? [];
    expect(before.length % BATCH).toBe(0);
    seen.set(id, [...before, ...samples]);
  }
  for (const [id, samples] of seen) expect(samples).toEqual(whole.get(id)?.slice(0, samples.length));
  expect([...(whole.values().next().value as number[])].sort((a, b) => a - b)).toEqual([...Array(SAMPLES).keys()]);
  const evaluated = exact.parts.reduce((sum, { samples }) => sum + samples.length, 0);
  expect(passes).toBe(evaluated / SAMPLES);
  const claimed = candidates.filter(({ mixture }) => mixture.size > 1).map(({ samples }) => samples ?? SAMPLES);
  expect(claimed.reduce((sum, samples) => sum + samples, 0)).toBe(evaluated);
});

test('single models are known from their cached logits and cost nothing', async () => {
  const { validation, opened } = await openScorers(await (pools[0] as (typeof pools)[0]));
  const singles = ranked.filter(({ mixture }) => mixture.size === 1);
  const { candidates, passes } = await raceTop(validation, singles, 5, EXACT);
  expect([passes, opened]).toEqual([0, []]);
  expect(candidates.map(({ score }) => score)).toEqual([...(await validation.individualScores())]);
});

test('what a race found is kept: the winner is not evaluated again, a stopped soup is', async () => {
  const { validation, evaluated } = await openScorers(await (pools[1] as (typeof pools)[0]), accuracy, BATCH);
  const { candidates } = await raceTop(validation, ranked, 31, EXACT);
  const winner = winnerOf(candidates);
  const stopped = candidates.find(({ scoreAtMost }) => scoreAtMost !== undefined) as Candidate;
  evaluated.length = 0;
  const [found] = await validation.evaluations([winner.mixture]);
  expect(found?.score).toBe(winner.score);
  expect(found?.correct?.reduce((sum, bit) => sum + bit, 0)).toBe(Math.round(winner.score * SAMPLES));
  expect(evaluated).toEqual([]);
  const bits = validation.stoppedAt(stopped.mixture) as Uint8Array;
  expect(bits.filter((bit) => bit !== 2)).toHaveLength(stopped.samples as number);
  await validation.scores([stopped.mixture]);
  expect(evaluated).toHaveLength(1);
});

describe('a statistical race', () => {
  const statistical: Racing = { mode: 'statistical', error: 0.05, seed: 3 };

  test('fully evaluates its winner and gives bounds for the others', async () => {
    const pool = await (pools[2] as (typeof pools)[0]);
    const { validation } = await openScorers(pool, accuracy, BATCH);
    const { candidates, passes } = await raceTop(validation, ranked, 31, statistical);
    const full = subsets.map((members) => soupAccuracy(pool, members, 'validation'));
    expect(winnerOf(candidates).score).toBe(Math.max(...full));
    expect(passes).toBeLessThanOrEqual(31 - MODELS);
    for (const [at, { score, scoreAtMost }] of candidates.entries()) {
      if (score !== undefined) expect(score).toBe(full[at]);
      else expect(scoreAtMost).toBeGreaterThanOrEqual(full[at] as number);
    }
  });

  test('by cross-entropy, or without a probability of error, is refused', async () => {
    const pool = await (pools[2] as (typeof pools)[0]);
    const race = (scorer: SplitScorer, racing: Racing) => raceTop(scorer, ranked, 31, racing);
    const byLoss = await openScorers(pool, crossEntropy);
    await expect(race(byLoss.validation, statistical)).rejects.toEqual(
      refused('CONFIG', /accuracy or top-K for statistical racing but found cross-entropy/),
    );
    const { validation } = await openScorers(pool);
    await expect(race(validation, { ...statistical, error: 1 })).rejects.toEqual(refused('CONFIG', /found 1/));
  });
});

test('an aborted race rejects with the reason, and the same scorer can race again', async () => {
  const { validation } = await openScorers(await (pools[0] as (typeof pools)[0]), accuracy, BATCH);
  const controller = new AbortController();
  const reason = new Error('enough');
  const race = raceTop(validation, ranked, 31, EXACT, {
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'evaluate' && controller.abort(reason),
  });
  await expect(race).rejects.toBe(reason);
  const again = await raceTop(validation, ranked, 31, EXACT);
  const fresh = await openScorers(await (pools[0] as (typeof pools)[0]), accuracy, BATCH);
  expect(again).toEqual(await raceTop(fresh.validation, ranked, 31, EXACT));
});

test('of many large soups few are open at once, and the winner is the same', async () => {
  const pool = await (pools[0] as (typeof pools)[0]);
  const { validation } = await openScorers(pool, accuracy, BATCH);
  const { candidates, passes } = await raceTop(validation, ranked, 31, EXACT);
  const { validation: large, opened, mostOpen } = await openScorers(pool, accuracy, BATCH, 2 ** 40);
  expect(await raceTop(large, ranked, 31, EXACT)).toEqual({ candidates, passes });
  expect(opened.length).toBeGreaterThan(31 - MODELS);
  expect(mostOpen()).toBe(4);
});
