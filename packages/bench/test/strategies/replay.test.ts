import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { accuracy, greedySoup, Mixture, Problem } from '@radin/core';
import { expect, it, onTestFinished } from 'vitest';
import { everySubset, f32, temporaryFolder, tensor, writeArray } from '../../../core/test/pools.js';
import { drawSplit } from '../../src/soups/random-split.js';
import { RecordedScorer } from '../../src/soups/recorded-scorer.js';
import { SplitReplay } from '../../src/soups/split-replay.js';
import { bestPrefix } from '../../src/strategies/best-prefix.js';
import { STRATEGIES } from '../../src/strategies/strategies.js';
import { addNoise, openMemory, poolFolder } from '../soups/pools.js';

const folder = temporaryFolder();
const relu = poolFolder(folder, { models: 5, samples: 90, hidden: 6, classes: 4, noise: 1.5, seed: 6 });
const linear = poolFolder(folder, { models: 6, samples: 80, noise: 2 });

const FEATURES = 5;

it('a replayed split answers to the bit what evaluating its samples would', async () => {
  const pool = await relu;
  const memory = await openMemory(pool.folder);
  const split = drawSplit(memory.union.labels, 70, 1);
  const replay = new SplitReplay(memory, split.validation);
  onTestFinished(() => replay.dispose());
  // The same samples as files, for a scorer that evaluates.
  const inputs = [...pool.validation.inputs, ...pool.test.inputs];
  const rows = [...split.validation].flatMap((sample) => inputs.slice(sample * FEATURES, (sample + 1) * FEATURES));
  const labels = Int32Array.from(split.validation, (sample) => memory.union.labels[sample] as number);
  const validation = {
    inputs: await writeArray(join(pool.folder, 'drawn_inputs.npy'), f32([70, FEATURES], rows)),
    labels: await writeArray(join(pool.folder, 'drawn_labels.npy'), tensor('I32', [70], labels)),
  };
  const problem = await Problem.open(
    { ...pool.files, validation },
    { metric: accuracy, backend: 'auto', threads: 1, splits: ['validation'] },
  );
  onTestFinished(() => problem.dispose());
  const soups = [...everySubset(5).map((members) => Mixture.uniform(5, members)), Mixture.of([0.1, 0.2, 0, 0.3, 0.4])];
  expect(await replay.scores(soups)).toEqual(await problem.validation.scores(soups));
  expect(await replay.approxScores(soups)).toEqual(await problem.validation.approxScores(soups));
  expect(await replay.individualScores()).toEqual(await problem.validation.individualScores());
  expect(await greedySoup(replay, { budget: 4 })).toEqual(await greedySoup(problem.validation, { budget: 4 }));
});

it('on a linear network every soup that RADIN evaluates scores what it was ranked by', async () => {
  const memory = await openMemory((await linear).folder);
  const replay = new SplitReplay(memory, drawSplit(memory.union.labels, 80, 2).validation);
  onTestFinished(() => replay.dispose());
  const search = STRATEGIES.find(({ name }) => name === 'radin');
  const { pool, backend } = memory;
  const found = await search?.search(replay, { budget: 3, seed: 0, pool, backend });
  expect(found?.evaluations).toBe(3);
  expect(found?.best.score).toBe(found?.best.approxScore);
});

it('no soup is evaluated twice, in one run or in the next one with the same folder', async () => {
  const { folder: poolPath } = await relu;
  const cache = mkdtempSync(join(folder, 'cache-'));
  const soups = everySubset(5).map((members) => Mixture.uniform(5, members));
  const first = await openMemory(poolPath, cache);
  const outcomes = await first.outcomes([...soups, ...soups]);
  await first.outcomes(soups);
  expect(first.evaluated).toBe(2 ** 5 - 1 - 5);
  const [kept] = readdirSync(cache);
  expect(readdirSync(join(cache, kept as string)).length).toBe(first.evaluated);
  const second = await openMemory(poolPath, cache);
  expect(await second.outcomes(soups)).toEqual(outcomes.slice(0, soups.length));
  expect(second.evaluated).toBe(0);
  // Other weights are another pool.
  const other = await openMemory((await linear).folder, cache);
  await other.outcomes([Mixture.uniform(6, [0, 1])]);
  expect(other.evaluated).toBe(1);
});

it('noisy labels count in the validation and true ones in the test', async () => {
  const pool = await poolFolder(folder, { models: 2, samples: 50, noise: 0, seed: 3 });
  const { labels, observed } = await addNoise(pool, (sample) => sample % 4 === 0);
  const memory = await openMemory(pool.folder);
  // Models without noise are the network that made the labels.
  const [{ right } = expect.fail()] = await memory.outcomes([Mixture.uniform(2, [0, 1])]);
  expect([...right]).toEqual(Array(100).fill(1));
  const split = drawSplit(labels, 50, 0);
  const replay = new SplitReplay(memory, split.validation);
  onTestFinished(() => replay.dispose());
  const wrong = split.validation.filter((sample) => observed[sample] !== labels[sample]).length;
  expect(wrong).toBeGreaterThan(0);
  const [real] = await replay.scores([Mixture.uniform(2, [0, 1])]);
  expect(real).toBeCloseTo(1 - wrong / 50, 12);
  expect((await replay.individualScores())[0]).toBe(real);
});

it('the best prefix is the best of the first B + 1, and the single best model costs nothing', async () => {
  const memory = await openMemory((await relu).folder);
  const replay = new SplitReplay(memory, drawSplit(memory.union.labels, 90, 4).validation);
  onTestFinished(() => replay.dispose());
  const individual = await replay.individualScores();
  const order = [...individual.keys()].sort((a, b) => (individual[b] as number) - (individual[a] as number) || a - b);
  const prefixes = await replay.scores(order.map((_, k) => Mixture.uniform(5, order.slice(0, k + 1))));
  const { pool, backend } = memory;
  for (const budget of [1, 2, 3, 10]) {
    const { best, evaluations } = await bestPrefix(replay, { budget, seed: 0, pool, backend });
    expect(best.score).toBe(Math.max(...prefixes.slice(0, budget + 1)));
    expect(evaluations).toBe(Math.min(budget, 4));
  }
});

it('what a soup costs is counted by the samples it was evaluated on', async () => {
  const memory = await openMemory((await relu).folder);
  const replay = new SplitReplay(memory, drawSplit(memory.union.labels, 90, 6).validation);
  onTestFinished(() => replay.dispose());
  const search = STRATEGIES.find(({ name }) => name === 'adaptive');
  const { pool, backend } = memory;
  const scorer = new RecordedScorer(replay, 3);
  await search?.search(scorer, { budget: 3, seed: 0, pool, backend });
  expect(scorer.evaluations).toHaveLength(3);
  expect(scorer.passes).toBeGreaterThan(0);
  expect(scorer.passes).toBeLessThanOrEqual(3);
  const [first, second] = [Mixture.uniform(5, [0, 1]), Mixture.uniform(5, [1, 2])];
  const counted = new RecordedScorer(replay, 2);
  const soup = await counted.openSoupInParts(first);
  const parts = [Uint32Array.of(7, 3, 5), Uint32Array.of(80)];
  const measured = await soup.measure(parts);
  expect(counted.passes).toBeCloseTo(4 / 90, 12);
  const whole = await (await replay.openSoupInParts(first)).measure([Uint32Array.from({ length: 90 }, (_, m) => m)]);
  expect((whole[0]?.total as number) / 90).toBe((await replay.scores([first]))[0] as number);
  for (const [at, part] of parts.entries()) {
    expect([...(measured[at]?.correct ?? [])]).toEqual(Array.from(part, (sample) => whole[0]?.correct?.[sample]));
  }
  await counted.scores([second]);
  expect(counted.passes).toBeCloseTo(1 + 4 / 90, 12);
});

it('a search that evaluates more soups than its budget is found out', async () => {
  const memory = await openMemory((await relu).folder);
  const replay = new SplitReplay(memory, drawSplit(memory.union.labels, 90, 5).validation);
  onTestFinished(() => replay.dispose());
  const scorer = new RecordedScorer(replay, 2);
  const [a, b, c] = [
    [0, 1],
    [1, 2],
    [2, 3],
  ].map((members) => Mixture.uniform(5, members)) as [Mixture, Mixture, Mixture];
  await scorer.scores([Mixture.uniform(5, [0]), a, b, a]);
  expect(scorer.evaluations).toEqual(await replay.scores([a, b]));
  await expect(scorer.scores([c])).rejects.toThrow('at most 2 evaluations but counted 3');
});
