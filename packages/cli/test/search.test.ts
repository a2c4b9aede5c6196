import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord, SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { accuracyOf, linearPool } from './pools.js';
import { DIGITS, radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

interface Evaluation {
  readonly samples: number;
  readonly score: number;
  readonly correct: number;
}

const folder = newFolder();
/** Where the first search leaves the models' logits, for tests that are not about how these come about. */
const REMEMBERED = ['--cache', join(folder, 'cache')];

function search(out: string, ...options: string[]): Promise<SearchReport & RunRecord> {
  const radin = ['search', DIGITS, '--strategy', 'radin', '--budget', '5', '--no-report', '--out', out];
  return radinJson<SearchReport & RunRecord>([...radin, ...options], folder);
}

/** All of a report that the pool, the options and the seed fix. */
function fixed({ backend: _, timings: __, reused: ___, ...report }: SearchReport & Partial<RunRecord>): string {
  return JSON.stringify(report);
}

function saved(out: string): SearchReport {
  return JSON.parse(readFileSync(join(folder, out, 'result.json'), 'utf8')) as SearchReport;
}

function soup(out: string): Buffer {
  return readFileSync(join(folder, out, 'soup.safetensors'));
}

const models = ({ candidates }: SearchReport) => candidates.map((candidate) => candidate.models.join('+'));

describe('a search of the example pool', () => {
  let base: SearchReport & RunRecord;
  beforeAll(async () => {
    base = await search('base', ...REMEMBERED);
  });

  it('prints an object with the documented keys', () => {
    const expected =
      'schema method best bestIndividual models disagreement evaluations pool budget lambda sampler estimate seed backend metric notices passes racing reused scored candidates statistics explanation timings versions';
    expect(Object.keys(base).sort()).toEqual(expected.split(' ').sort());
    expect(base).toMatchObject({
      method: 'radin',
      pool: { models: 16, samples: 2000, classes: 10 },
      budget: 5,
      lambda: 0,
      sampler: 'monte-carlo',
      seed: 0,
      metric: 'accuracy',
      evaluations: 5,
      racing: 'exact',
      scored: 201,
      notices: [],
      versions: { radin: expect.any(String), onnxruntime: expect.any(String), node: process.versions.node },
    });
    const candidate = ['approxScore', 'models', 'rank', 'weights'];
    for (const evaluated of base.candidates.slice(0, 5)) {
      const scored = evaluated.valScore === undefined ? ['samples', 'valScoreAtMost'] : ['valScore'];
      expect(Object.keys(evaluated).sort()).toEqual([...candidate, ...scored].sort());
    }
    expect(Object.keys(base.candidates[5] as object).sort()).toEqual(candidate);
    expect(Object.keys(base.best).sort()).toEqual([...candidate, 'testScore', 'valScore'].sort());
    for (const seconds of Object.values(base.timings)) expect(seconds).toBeGreaterThanOrEqual(0);
  });

  it('says how far its scores can be trusted', () => {
    const {
      validation,
      test: tested,
      winnersCurse,
      confidence,
    } = base.statistics as NonNullable<SearchReport['statistics']>;
    expect(confidence).toBe(0.95);
    expect(winnersCurse).toBeGreaterThanOrEqual(0);
    for (const [split, key] of [
      [validation, 'valScore'],
      [tested, 'testScore'],
    ] as const) {
      const [ours, theirs] = [base.best[key], base.bestIndividual[key]] as [number, number];
      const { interval, versusBestIndividual, samples } = split as NonNullable<typeof tested>;
      expect(interval.lower).toBeLessThan(ours);
      expect(interval.upper).toBeGreaterThan(ours);
      const { onlyBest, onlyBestIndividual, pValue } = versusBestIndividual;
      expect(onlyBest - onlyBestIndividual).toBe(Math.round((ours - theirs) * samples));
      expect(pValue).toBeGreaterThan(0);
      expect(pValue).toBeLessThanOrEqual(1);
    }
  });

  it('has what it prints in result.json', () => {
    const { backend: _, reused: __, timings: ___, ...ofTheResult } = base;
    expect(saved('base')).toEqual(ofTheResult);
  });

  it('ranks 200 candidates and the uniform soup by their approximate scores, none twice', () => {
    expect(base.candidates).toHaveLength(201);
    expect(new Set(models(base)).size).toBe(201);
    expect(base.candidates.map(({ rank }) => rank)).toEqual(Array.from({ length: 201 }, (_, index) => index + 1));
    const scores = base.candidates.map(({ approxScore }) => approxScore);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(base.candidates.filter((candidate) => candidate.models.length === 16)).toHaveLength(1);
  });

  it('evaluates the first B candidates and chooses the best of them by the real score', async () => {
    const full = await search('full', '--racing', 'off', ...REMEMBERED);
    const evaluated = full.candidates.filter(({ valScore }) => valScore !== undefined);
    expect(evaluated).toHaveLength(5);
    expect(evaluated).toEqual(full.candidates.slice(0, 5));
    expect(full.passes).toBe(5);
    expect(full.best.valScore).toBe(Math.max(...evaluated.map(({ valScore }) => valScore as number)));
    expect(full.best).toMatchObject(evaluated.find(({ rank }) => rank === full.best.rank) as object);
    expect(base.best).toEqual(full.best);
    expect(soup('full').equals(soup('base'))).toBe(true);
    for (const { models, weights } of base.candidates) {
      expect(weights).toEqual(models.map(() => 1 / models.length));
    }
  });

  it.concurrent.each(['validation', 'test'])('writes a soup that evaluates to the printed %s score', async (split) => {
    const args = ['evaluate', DIGITS, 'base/soup.safetensors', '--split', split];
    const { score, correct, samples } = await radinJson<Evaluation>(args, folder);
    expect(score).toBe(split === 'test' ? base.best.testScore : base.best.valScore);
    expect(correct).toBe(Math.round(score * samples));
    expect(correct / samples).toBe(score);
  });

  it.concurrent('prints the single model that it had to beat with the scores that it evaluates to', async () => {
    const [id] = base.bestIndividual.models as readonly [string];
    const evaluate = (split: string) =>
      radinJson<Evaluation>(['evaluate', DIGITS, id, '--split', split], folder).then(({ score }) => score);
    expect(await evaluate('validation')).toBe(base.bestIndividual.valScore);
    expect(await evaluate('test')).toBe(base.bestIndividual.testScore);
  });

  it.concurrent.each([
    ['in a second run, on one thread', '1'],
    ['in a third run, on three threads', '3'],
  ])('gives the same report and the same soup %s', async (name, threads) => {
    const report = await search(name, '--threads', threads);
    expect(fixed(report)).toBe(fixed(base));
    expect(JSON.stringify(saved(name))).toBe(fixed(base));
    expect(soup(name).equals(soup('base'))).toBe(true);
  });

  it.concurrent('gives the same candidates, scores and soup on the reference backend', async () => {
    const report = await search('reference', '--backend', 'reference');
    expect(report.backend).toBe('reference');
    expect(fixed(report)).toBe(fixed(base));
    expect(soup('reference').equals(soup('base'))).toBe(true);
  });

  it.concurrent('with a budget of 25 needs a third of the passes at most, for the same soup', async () => {
    const at25 = (out: string, mode: string) => search(out, '--budget', '25', '--racing', mode, ...REMEMBERED);
    const [full, race] = [await at25('full', 'off'), await at25('race', 'exact')];
    expect(race.best).toEqual(full.best);
    expect(soup('race').equals(soup('full'))).toBe(true);
    expect(full.passes).toBe(25);
    expect(race.passes).toBeLessThan(25 / 3);
    for (const [index, { valScore, valScoreAtMost }] of race.candidates.slice(0, 25).entries()) {
      const score = full.candidates[index]?.valScore as number;
      if (valScore === undefined) expect(valScoreAtMost).toBeGreaterThanOrEqual(score);
      else expect(valScore).toBe(score);
    }
  });

  it.concurrent('races statistically where asked to, with a soup that is evaluated in full', async () => {
    const report = await search('statistical', '--racing', 'statistical', '--racing-error', '0.2', ...REMEMBERED);
    expect(report).toMatchObject({ racing: 'statistical', best: { valScore: base.best.valScore } });
    expect(report.passes).toBeLessThanOrEqual(5);
  });

  it.concurrent('keeps the samples that --holdout names out of every choice', async () => {
    const { best, bestIndividual, holdout, pool } = await search('holdout', '--holdout', '0.2');
    expect(pool.samples).toBe(1600);
    expect(holdout).toMatchObject({ samples: 400, interval: { lower: expect.any(Number) } });
    // What was kept and what was held out are the whole split, which the soup written is evaluated on.
    const whole = (model: string) => radinJson<Evaluation>(['evaluate', DIGITS, model], folder).then((e) => e.correct);
    const sum = (kept: number | undefined, held: number | undefined) =>
      (kept as number) * 1600 + (held as number) * 400;
    expect(await whole('holdout/soup.safetensors')).toBe(Math.round(sum(best.valScore, holdout?.score)));
    const [id] = bestIndividual.models as readonly [string];
    expect(await whole(id)).toBe(Math.round(sum(bestIndividual.valScore, holdout?.bestIndividualScore)));
  });

  it.concurrent('has other candidates with another seed', async () => {
    const other = await search('other', '--seed', '1', ...REMEMBERED);
    expect(other.seed).toBe(1);
    expect(models(other).sort()).not.toEqual(models(base).sort());
  });

  it.concurrent('tells people its answer in text without --json, and on standard error no more than which model is far from the others', async () => {
    const { code, stdout, stderr } = await runRadin(
      ['search', DIGITS, '--strategy', 'radin', '--budget', '5', '--out', 'text', ...REMEMBERED],
      folder,
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^radin: note: model 15-\S+ may be outside the basin of the others: .*\n$/);
    expect(stdout).toContain(`validation ${(100 * (base.best.valScore as number)).toFixed(2)} %`);
    for (const id of base.best.models) expect(stdout).toContain(id);
    expect(stdout).toContain(
      `wrote ${join('text', 'soup.safetensors')}, ${join('text', 'result.json')} and ${join('text', 'report.html')}\n`,
    );
  });
});

describe('on a linear network, where Eq. 3 is exact, a search', () => {
  it('gives every candidate one score in both stages: that of a soup computed by hand', async () => {
    const pool = await linearPool({ models: 5 });
    const report = await radinJson<SearchReport>(
      [
        'search',
        pool.folder,
        '--sampler',
        'exhaustive',
        '--budget',
        '31',
        '--racing',
        'off',
        '--no-report',
        '--out',
        'out',
      ],
      pool.folder,
    );
    expect(report.candidates).toHaveLength(31);
    expect(new Set(report.candidates.map(({ approxScore }) => approxScore)).size).toBeGreaterThan(5);
    for (const { models, approxScore, valScore } of report.candidates) {
      expect(valScore, models.join('+')).toBe(approxScore);
      expect(valScore, models.join('+')).toBe(accuracyOf(pool, models, pool.validation));
    }
    const { best, bestIndividual } = report;
    expect(best.testScore).toBe(accuracyOf(pool, best.models, pool.test));
    expect(bestIndividual.testScore).toBe(accuracyOf(pool, bestIndividual.models, pool.test));
  });

  it('agrees in both stages by cross-entropy too, to rounding', async () => {
    const pool = await linearPool();
    const report = await radinJson<SearchReport>(
      [
        'search',
        pool.folder,
        '--sampler',
        'exhaustive',
        '--metric',
        'cross-entropy',
        '--racing',
        'off',
        '--out',
        'out',
      ],
      pool.folder,
    );
    expect(report.metric).toBe('cross-entropy');
    for (const { approxScore, valScore } of report.candidates) {
      expect(valScore).toBeLessThan(0);
      expect(valScore).toBeCloseTo(approxScore, 5);
    }
  });
});
