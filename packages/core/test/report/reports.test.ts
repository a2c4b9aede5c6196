import { describe, expect, test } from 'vitest';
import { accuracy, crossEntropy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import type { ComparisonRow, Method, SearchResult } from '../../src/recipes/index.js';
import {
  comparisonReport,
  comparisonText,
  printedReport,
  type RunFacts,
  type RunRecord,
  searchReport,
  searchText,
} from '../../src/report/index.js';

const MODELS = ['a', 'b', 'c'];
const pool = { models: MODELS, samples: 200, classes: 10 };
const candidate = (members: number[], rank: number, approxScore: number) => ({
  mixture: Mixture.uniform(3, members),
  approxScore,
  rank,
});
const pair = { ...candidate([0, 2], 1, 0.9), score: 0.875 };
const single = { ...candidate([1], 1, 0.8), score: 0.8 };
const facts: RunFacts = {
  pool,
  budget: 1,
  lambda: 0.5,
  estimate: { name: 'metric', temperature: 'none' },
  sampler: 'monte-carlo',
  seed: 7,
  racing: 'exact',
  metric: accuracy,
  versions: { radin: '0.1.0' },
};
const record: RunRecord = { backend: 'cpu', reused: { models: 0, evaluations: 0 }, timings: { cache: 1.5 } };
const findings = { valScores: [0.7, 0.8, 0.75] };
const comparisonFacts = {
  pool,
  budgets: [1, 25],
  candidates: 200,
  sampler: 'monte-carlo',
  seed: 7,
  notices: ['all are taken'],
  versions: {},
};
const found: SearchResult = {
  method: 'radin-prior',
  best: pair,
  candidates: [pair, candidate([1, 2], 2, 0.85)],
  scored: 2,
  evaluations: 1,
  notices: ['all are taken'],
};
const individual: SearchResult = {
  method: 'best-individual',
  best: single,
  candidates: [single],
  scored: 1,
  evaluations: 0,
  notices: [],
};

function reportOfBare() {
  return searchReport({ result: found, bestIndividual: individual, pool: findings }, facts);
}

describe('the report of a search', () => {
  test('is the JSON object of result.json', () => {
    const report = searchReport(
      { result: found, bestIndividual: individual, pool: findings, testScore: 0.85, bestIndividualTestScore: 0.86 },
      facts,
    );
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      method: 'radin-prior',
      best: { models: ['a', 'c'], weights: [0.5, 0.5], approxScore: 0.9, rank: 1, valScore: 0.875, testScore: 0.85 },
      bestIndividual: { models: ['b'], weights: [1], valScore: 0.8, testScore: 0.86 },
      evaluations: 1,
      candidates: [
        { models: ['a', 'c'], weights: [0.5, 0.5], approxScore: 0.9, rank: 1, valScore: 0.875 },
        { models: ['b', 'c'], weights: [0.5, 0.5], approxScore: 0.85, rank: 2 },
      ],
      pool: { models: 3, samples: 200, classes: 10 },
      budget: 1,
      lambda: 0.5,
      estimate: { name: 'metric', temperature: 'none' },
      sampler: 'monte-carlo',
      seed: 7,
      metric: 'accuracy',
      notices: ['all are taken'],
      versions: { radin: '0.1.0' },
    });
    expect(report.candidates[1]).not.toHaveProperty('valScore');
  });

  test('holds nothing that only one run can tell, which is printed besides', () => {
    const batchNorm = { layers: 2, samples: 64 };
    const report = searchReport({ result: found, bestIndividual: individual, pool: findings, batchNorm }, facts);
    for (const key of Object.keys(record)) expect(report).not.toHaveProperty(key);
    const printed = printedReport(report, { ...record, batchNormPasses: 3 });
    expect(printed).toEqual({ ...report, ...record, batchNorm: { ...batchNorm, passes: 3 } });
    expect(printedReport(reportOfBare(), record)).toEqual({ ...reportOfBare(), ...record });
  });

  test('has what is known of the single models, in the order of the pool', () => {
    const known = {
      ...findings,
      testScores: new Map([[1, 0.86]]),
      distances: [1.23456789, 2, undefined],
      warnings: [{ model: 'c', message: 'far' }],
      disagreement: { samples: 200, counts: [[], [30], [28, 41]] },
    };
    const report = searchReport({ result: found, bestIndividual: individual, pool: known }, facts);
    expect(report.models).toEqual([
      { model: 'a', valScore: 0.7, distance: 1.23457 },
      { model: 'b', valScore: 0.8, testScore: 0.86, distance: 2 },
      { model: 'c', valScore: 0.75, warning: 'far' },
    ]);
    expect(report.disagreement).toEqual(known.disagreement);
    expect(report.schema).toBe('radin-search-1');
  });

  test('lists at least what was evaluated, and of large soups no more than fit', () => {
    const everyone = Array.from({ length: 200 }, (_, k) => k);
    const large = { mixture: Mixture.uniform(200, everyone), approxScore: 0.5, rank: 1 };
    const ids = everyone.map((k) => `m${k}`);
    const listed = (evaluations: number) =>
      searchReport(
        {
          result: { ...found, candidates: Array(400).fill(large), evaluations },
          bestIndividual: individual,
          pool: findings,
        },
        { ...facts, pool: { ...pool, models: ids } },
      ).candidates.length;
    expect(listed(1)).toBe(150);
    expect(listed(300)).toBe(300);
  });

  test('has no test scores where there is no test split', () => {
    const report = searchReport({ result: found, bestIndividual: individual, pool: findings }, facts);
    expect(JSON.stringify(report)).not.toContain('testScore');
    expect(searchText(report, record, accuracy)).not.toMatch(/test|undefined|NaN/);
  });

  test('says what a race cost, and gives bounds as bounds', () => {
    const stopped = { ...candidate([1, 2], 2, 0.85), scoreAtMost: 0.87, samples: 64 };
    const raced = { ...found, candidates: [pair, stopped], evaluations: 2, passes: 1.32 };
    const report = searchReport({ result: raced, bestIndividual: individual, pool: findings }, facts);
    expect(report).toMatchObject({ evaluations: 2, passes: 1.32, racing: 'exact' });
    expect(report.candidates[1]).toMatchObject({ valScoreAtMost: 0.87, samples: 64 });
    expect(report.candidates[1]).not.toHaveProperty('valScore');
    expect(searchText(report, record, accuracy)).toContain('2 of 2 candidates evaluated; full passes: 1.3');
  });

  test('has the choice after each evaluation that changed it, and says that it was interrupted', () => {
    const curve = [
      { evaluations: 0, best: single, passes: 0 },
      { evaluations: 2, best: pair, passes: 1.25 },
    ];
    const report = searchReport(
      { result: { ...found, curve }, bestIndividual: individual, pool: findings },
      { ...facts, interrupted: true },
    );
    expect(report.interrupted).toBe(true);
    expect(report.curve).toEqual([
      { evaluations: 0, models: ['b'], weights: [1], valScore: 0.8, passes: 0 },
      { evaluations: 2, models: ['a', 'c'], weights: [0.5, 0.5], valScore: 0.875, passes: 1.25 },
    ]);
    expect(searchText(report, record, accuracy)).toContain('by evaluation validation 0: 80.00 %   2: 87.50 %');
    const whole = searchReport({ result: found, bestIndividual: individual, pool: findings }, facts);
    expect(JSON.stringify(whole)).not.toMatch(/curve|interrupted/);
  });

  describe('with statistics', () => {
    const split = {
      samples: 200,
      score: 0.875,
      interval: { lower: 0.8219, upper: 0.9139 },
      otherScore: 0.8,
      versusOther: {
        onlyFirst: 20,
        onlySecond: 5,
        pValue: 0.00408,
        midPValue: 0.003,
        difference: 0.075,
        lower: 0.02,
        upper: 0.12,
      },
    };
    const statistics = { validation: split, test: split, heldOut: { ...split, samples: 50 }, winnersCurse: 0.004 };

    test('has them in JSON and in three lines of text', () => {
      const report = searchReport({ result: found, bestIndividual: individual, pool: findings, statistics }, facts);
      const { onlyFirst: onlyBest, onlySecond: onlyBestIndividual, ...tests } = split.versusOther;
      const validation = {
        samples: 200,
        interval: split.interval,
        versusBestIndividual: { onlyBest, onlyBestIndividual, ...tests },
      };
      expect(report.statistics).toEqual({ confidence: 0.95, winnersCurse: 0.004, validation, test: validation });
      expect(report.holdout).toEqual({ ...validation, samples: 50, score: 0.875, bestIndividualScore: 0.8 });
      const text = searchText(report, record, accuracy);
      expect(text).toMatch(/^95 % interval validation 82\.19–91\.39 % {3}test 82\.19–91\.39 %$/m);
      expect(text).toMatch(/^McNemar's p {3}validation 0\.0041 {3}test 0\.0041 {3}winner's curse \+0\.40 points$/m);
      expect(text).toMatch(/^held out {6}87\.50 % {3}single 80\.00 % {3}p = 0\.0041 {3}50 samples$/m);
    });

    test('of a metric without counts has the held-out scores only', () => {
      const { samples, score, otherScore } = split;
      const plain = { samples, score, otherScore };
      const unseen = { validation: plain, heldOut: plain };
      const report = searchReport(
        { result: found, bestIndividual: individual, pool: findings, statistics: unseen },
        facts,
      );
      expect(report).not.toHaveProperty('statistics');
      expect(report.holdout).toEqual({ samples: 200, score: 0.875, bestIndividualScore: 0.8 });
      expect(searchText(report, record, accuracy)).toMatch(/^held out {6}87\.50 % {3}single 80\.00 % {3}200 samples$/m);
    });
  });

  test('lists every evaluated candidate even of very many', () => {
    const many = Array.from({ length: 1500 }, (_, at) => ({ ...candidate([0, 1], at + 1, 0.5), score: 0.5 }));
    const report = searchReport(
      { result: { ...found, candidates: many, evaluations: 1500 }, bestIndividual: individual, pool: findings },
      facts,
    );
    expect(report.candidates).toHaveLength(1500);
  });

  test('says in text what was found, what it was compared with, and the gain', () => {
    const report = searchReport(
      { result: found, bestIndividual: individual, pool: findings, testScore: 0.85, bestIndividualTestScore: 0.86 },
      facts,
    );
    const text = searchText(report, record, accuracy);
    expect(text).toContain('3 models, 200 validation samples, 10 classes; metric: accuracy');
    expect(text).toMatch(/^best soup {5}validation 87\.50 % {3}test 85\.00 % {3}2 models$/m);
    expect(text).toMatch(/^best single {3}validation 80\.00 % {3}test 86\.00 % {3}b$/m);
    expect(text).toMatch(/^gain {10}validation \+7\.50 points {3}test −1\.00 points$/m);
    expect(text).toMatch(/^ingredients\n {2}a\n {2}c$/m);
    expect(text).toContain('1 of 2 candidates evaluated; full passes: 1');
  });
});

describe('the report of a comparison', () => {
  const result = (method: Method, best: SearchResult['best'], evaluations: number): SearchResult => ({
    ...found,
    method,
    best,
    evaluations,
  });
  const greedy = { ...result('greedy', single, 1), trace: [{ model: 1, score: 0.8, kept: true }] };
  const rows: ComparisonRow[] = [1, 25].flatMap((budget) => [
    { result: result('best-individual', single, 0), budget, valScore: 0.8, testScore: 0.75 },
    { result: greedy, budget, valScore: 0.8, testScore: 0.75 },
    { result: result('radin', pair, budget), budget, valScore: 0.875, testScore: 1 },
    { result: result('radin-prior', pair, budget), budget, valScore: 0.5, testScore: 0.5 },
    { result: result('oracle', pair, 200), budget, valScore: 0.875, testScore: 1 },
  ]);

  const reportOf = (some: readonly ComparisonRow[], metric = accuracy) =>
    comparisonReport(
      { rows: some, written: some[2] ?? (some[0] as ComparisonRow), pool: findings },
      { ...comparisonFacts, metric },
    );

  test('is the JSON object of compare', () => {
    const report = reportOf(rows);
    expect(report).toMatchObject({
      schema: 'radin-comparison-1',
      pool: { models: 3, samples: 200, classes: 10 },
      metric: 'accuracy',
      models: [{ model: 'a', valScore: 0.7 }, {}, {}],
      written: { method: 'radin', budget: 1 },
      notices: ['all are taken'],
    });
    expect(report.rows).toHaveLength(10);
    expect(report.rows[1]).toEqual({
      method: 'greedy',
      budget: 1,
      valScore: 0.8,
      testScore: 0.75,
      evaluations: 1,
      models: ['b'],
      weights: [1],
      trace: [{ model: 'b', valScore: 0.8, kept: true }],
    });
    expect(report.rows[2]).toEqual({
      method: 'radin',
      budget: 1,
      valScore: 0.875,
      testScore: 1,
      evaluations: 1,
      models: ['a', 'c'],
      weights: [0.5, 0.5],
    });
  });

  test('is a table with a line for each method and columns for each budget', () => {
    const lines = comparisonText(reportOf(rows), record, accuracy).split('\n');
    const start = lines.findIndex((line) => line.includes('B = 25'));
    const table = lines.slice(start, start + 7).map((line) => line.trim().split(/ {2,}/));
    expect(table).toEqual([
      ['B = 1', 'B = 25'],
      ['accuracy', 'val %', 'test %', 'evals', 'val %', 'test %', 'evals'],
      ['best individual', '80.00', '75.00', '0', '80.00', '75.00', '0'],
      ['greedy soup', '80.00', '75.00', '1', '80.00', '75.00', '1'],
      ['RADIN, λ = 0', '87.50', '100.00', '1', '87.50', '100.00', '25'],
      ['RADIN, λ = 1', '50.00', '50.00', '1', '50.00', '50.00', '25'],
      ['oracle (cheats)', '87.50', '100.00', '200', '87.50', '100.00', '200'],
    ]);
    // Every column ends at the same place in all lines.
    const ends = lines
      .slice(start + 1, start + 7)
      .map((line) => [...line.matchAll(/\S(?= {2}|$)/g)].slice(1).map(({ index }) => index));
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  test('has no test column and no oracle where there is no test split', () => {
    const untested = rows
      .filter(({ result: { method } }) => method !== 'oracle')
      .map(({ result: one, budget, valScore }) => ({ result: one, budget, valScore }));
    const report = reportOf(untested);
    expect(JSON.stringify(report)).not.toContain('testScore');
    expect(comparisonText(report, record, accuracy)).not.toMatch(/test|oracle|undefined/);
  });

  test('shows nats as nats', () => {
    const text = comparisonText(
      reportOf([{ ...(rows[0] as ComparisonRow), valScore: -0.25 }], crossEntropy),
      record,
      crossEntropy,
    );
    expect(text).toMatch(/val nats/);
    expect(text).toMatch(/-0\.2500/);
  });
});
