import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy, type Metric, metricNamed, topK } from '../../src/metric/index.js';
import { type AdaptiveOptions, adaptive, bestIndividual, radin, type SearchResult } from '../../src/recipes/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { type Candidate, selectBest } from '../../src/stage1/index.js';
import { type Racing, raceTop } from '../../src/stage2/index.js';
import { temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';
import { simulate } from './simulated-scorer.js';

type Scored = Candidate & { readonly score: number };

const sequence = ({ candidates, evaluations }: SearchResult) =>
  candidates.slice(0, evaluations).map(({ mixture }) => mixture.key);
const chosen = ({ best }: SearchResult) => ({ weights: [...best.mixture.weights], score: best.score });
const choices = ({ curve }: SearchResult) =>
  curve?.map(({ evaluations, best }) => ({ evaluations, key: best.mixture.key, score: best.score }));

describe.each([
  ['accuracy', accuracy, 1000],
  ['top-2', topK(2), 200],
  ['cross-entropy', crossEntropy, 200],
  ['mse', metricNamed('mse', 'regression') as Metric, 50],
  ['accuracy of labels', metricNamed('accuracy', 'multi-label') as Metric, 50],
] as const)('by %s', (_, metric: Metric, races) => {
  test(`racing finds what full passes find, by the same soups in the same order, in each of ${races} searches`, async () => {
    let [saved, stopped] = [0, 0];
    for (let seed = 0; seed < races; seed++) {
      const shape = { models: 3 + (seed % 3), samples: 24 + (seed % 17), classes: 3, batch: 1 + (seed % 5), seed };
      const gap = [0.2, 1, 4][seed % 3] as number;
      const budget = 1 + (seed % 7);
      const run = async (racing: 'exact' | 'off') => {
        const simulation = await simulate({ ...shape, gap }, metric);
        const { scorer, geometry } = simulation;
        const result = await adaptive(scorer, { budget, candidates: 20, geometry, racing });
        return { ...simulation, result };
      };
      const [race, full] = [await run('exact'), await run('off')];
      expect(chosen(race.result)).toEqual(chosen(full.result));
      expect(sequence(race.result)).toEqual(sequence(full.result));
      expect(choices(race.result)).toEqual(choices(full.result));
      expect(race.opened).toEqual(full.opened);
      expect(race.result.passes).toBeCloseTo(race.measured() / shape.samples, 12);
      expect(full.result.passes).toBe(full.result.evaluations);
      // What full passes say of every soup must agree with the choice, and with what stopped ones are said to have at most.
      const single = (await bestIndividual(race.scorer)).best;
      const evaluated = full.result.candidates.slice(0, full.result.evaluations) as Scored[];
      expect(selectBest([single, ...evaluated]).mixture.key).toBe(race.result.best.mixture.key);
      for (const [at, { mixture, score }] of evaluated.entries()) {
        expect(score).toBeCloseTo(race.score(mixture), 12);
        const { scoreAtMost, score: raced } = race.result.candidates[at] as Candidate;
        if (scoreAtMost === undefined) expect(raced).toBe(score);
        else expect(scoreAtMost).toBeGreaterThanOrEqual(score);
        stopped += scoreAtMost === undefined ? 0 : 1;
      }
      saved += full.measured() - race.measured();
      race.close();
      full.close();
    }
    expect(stopped).toBeGreaterThan(races);
    expect(saved).toBeGreaterThan(0);
  }, 300_000);
});

const folder = temporaryFolder();
const pools = [1, 2].map((seed) =>
  tinyPool(folder, { models: 5, samples: 300, hidden: 8, classes: 4, noise: 1.2, seed }),
);
const BATCH = 8;

describe.each([accuracy, topK(2), crossEntropy])('with real models, by $name', (metric: Metric) => {
  test.each([0, 1])(
    '%d, racing finds what full passes find and evaluates the beginning of the same batches',
    async (at) => {
      const pool = await (pools[at] as (typeof pools)[0]);
      const run = async (racing: AdaptiveOptions['racing']) => {
        const opened = await openScorers(pool, metric, BATCH);
        const options = { budget: 8, candidates: 200, geometry: opened.geometry, ...(racing && { racing }) };
        return { ...opened, result: await adaptive(opened.validation, options) };
      };
      const [race, full] = [await run(undefined), await run('off')];
      expect(chosen(race.result)).toEqual(chosen(full.result));
      expect(sequence(race.result)).toEqual(sequence(full.result));
      expect(race.opened).toEqual(full.opened);
      expect(race.result.passes).toBeLessThan(8);
      const seen = new Map<string, number[]>();
      for (const { id, samples } of race.parts) {
        expect((seen.get(id) ?? []).length % BATCH).toBe(0);
        seen.set(id, [...(seen.get(id) ?? []), ...samples]);
      }
      const whole = new Map(full.parts.map(({ id, samples }) => [id, samples]));
      for (const [id, samples] of seen) expect(samples).toEqual(whole.get(id)?.slice(0, samples.length));
      const evaluated = [...seen.values()].reduce((sum, { length }) => sum + length, 0);
      expect(race.result.passes).toBeCloseTo(evaluated / 300, 12);
      // The winner is known, so reporting costs no pass.
      const [score] = await race.validation.scores([race.result.best.mixture]);
      expect(score).toBe(race.result.best.score);
      expect(race.evaluated).toHaveLength(5);
    },
  );
});

test('what was evaluated is not evaluated again by the next search, and that finds the same', async () => {
  const { validation, geometry, parts } = await openScorers(await (pools[0] as (typeof pools)[0]), accuracy, BATCH);
  const first = await adaptive(validation, { budget: 6, candidates: 200, geometry });
  parts.length = 0;
  expect(await adaptive(validation, { budget: 6, candidates: 200, geometry })).toEqual(first);
  expect(parts).toEqual([]);
});

describe('a search that is asked to stop', () => {
  test.each(['exact', 'off'] as const)(
    'with racing %s, it returns the best of what was evaluated by then',
    async (racing) => {
      const pool = await (pools[1] as (typeof pools)[0]);
      const whole = await openScorers(pool, accuracy, BATCH);
      const all = await adaptive(whole.validation, { budget: 12, candidates: 200, geometry: whole.geometry, racing });
      for (const after of [1, 4, 11]) {
        const { validation, geometry } = await openScorers(pool, accuracy, BATCH);
        const stop = new AbortController();
        const found = await adaptive(validation, {
          budget: 12,
          candidates: 200,
          geometry,
          racing,
          stop: stop.signal,
          onProgress: ({ phase, done }) => phase === 'evaluate' && done === after && stop.abort(new Error('stop')),
        });
        expect(found.interrupted).toBe(true);
        expect(found.evaluations).toBe(after);
        expect(found.curve).toEqual(all.curve?.filter(({ evaluations }) => evaluations <= after));
        expect(found.best.mixture.key).toBe(found.curve?.at(-1)?.best.mixture.key);
        expect(sequence(found)).toEqual(sequence(all).slice(0, after));
        expect(found.scored).toBeGreaterThanOrEqual(after);
      }
    },
  );

  test('before its first evaluation, it returns the best individual; a signal to abandon still rejects', async () => {
    const { validation, geometry } = await openScorers(await (pools[0] as (typeof pools)[0]), accuracy, BATCH);
    const stopped = AbortSignal.abort(new Error('stop'));
    const { best, evaluations } = await adaptive(validation, { budget: 5, candidates: 200, geometry, stop: stopped });
    expect([best, evaluations]).toEqual([
      expect.objectContaining({ score: (await bestIndividual(validation)).best.score }),
      0,
    ]);
    const reason = new Error('abandon');
    const options = { budget: 5, candidates: 200, geometry, stop: stopped, signal: AbortSignal.abort(reason) };
    await expect(adaptive(validation, options)).rejects.toBe(reason);
  });

  test.each(['exact', 'off', 'statistical'] as const)(
    'the paper’s, with racing %s, returns what is finished, or the best individual',
    async (mode) => {
      const pool = await (pools[0] as (typeof pools)[0]);
      const racing: Racing = mode === 'statistical' ? { mode, error: 0.05, seed: 1 } : { mode };
      const candidates = {
        samplers: [monteCarlo],
        candidates: 30,
        seed: 0,
        includeUniform: true,
        budget: 12,
        lambda: 0,
      };
      const parts: number[] = [];
      for (const after of [0, 0.5, 1, 3, 100]) {
        const { validation } = await openScorers(pool, accuracy, BATCH);
        const stop = new AbortController();
        if (after === 0) stop.abort(new Error('stop'));
        const result = await radin(validation, {
          ...candidates,
          stop: stop.signal,
          onProgress: ({ phase, done }) => phase === 'evaluate' && done >= after && stop.abort(new Error('stop')),
          evaluate: (ranked, most, options) => raceTop(validation, ranked, most, racing, options),
        });
        const finished = result.candidates.filter((one): one is Scored => one.score !== undefined);
        const single = (await bestIndividual(validation)).best;
        if (result.interrupted) {
          expect(result.best.score).toBe(Math.max(single.score, ...finished.map(({ score }) => score)));
        } else expect(result.best.mixture.key).toBe(selectBest(finished).mixture.key);
        parts.push(result.evaluations);
      }
      expect(parts[0]).toBe(0);
      expect(parts.at(-1)).toBe(12);
    },
  );
});

test('the curve of the paper’s search is that of its full passes, and unknown after a race', async () => {
  const { validation } = await openScorers(await (pools[0] as (typeof pools)[0]), accuracy, BATCH);
  const search = (budget: number, racing: Racing) =>
    radin(validation, {
      samplers: [monteCarlo],
      candidates: 30,
      seed: 0,
      includeUniform: true,
      budget,
      lambda: 0,
      evaluate: (ranked, most, options) => raceTop(validation, ranked, most, racing, options),
    });
  const { curve } = await search(10, { mode: 'off' });
  for (const budget of [1, 2, 5, 10]) {
    const at = curve?.filter(({ evaluations }) => evaluations <= budget).at(-1);
    expect(at?.best.mixture.key).toBe((await search(budget, { mode: 'off' })).best.mixture.key);
  }
  expect((await search(10, { mode: 'exact' })).curve).toBeUndefined();
});
