import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LinearPool, linearPool } from './pools.js';
import { refusal } from './refusal.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

interface ScoreReport extends Pick<SearchReport, 'candidates' | 'estimate'> {}

let pool: LinearPool;
beforeAll(async () => {
  pool = await linearPool();
  mkdirSync(join(pool.folder, 'logits'));
  for (const { id } of pool.models) {
    await radinJson(['evaluate', pool.folder, id, '--save-logits', `logits/${id}.npy`], pool.folder);
  }
});

const logits = ['--logits', 'logits/*.npy', '--labels', 'val_labels.npy', '--sampler', 'exhaustive'];
const score = (...options: string[]) => radinJson<ScoreReport>(['score', ...logits, ...options], pool.folder);
const search = (...options: string[]) =>
  radinJson<SearchReport>(
    ['search', pool.folder, '--budget', '3', '--no-report', '--out', newFolder(), ...options],
    pool.folder,
  );

const ESTIMATES = [
  ['--estimate', 'cross-entropy'],
  ['--estimate', 'cross-entropy-of-probabilities', '--temperature', 'per-model'],
  ['--estimate', 'smoothed-accuracy', '--smoothing', '0.5', '--lambda', '0.01'],
  ['--estimate', 'metric', '--temperature', 'per-model'],
];

describe.concurrent('--estimate', () => {
  it.each(ESTIMATES)('orders stage 1 of score and of the paper’s search alike: %s %s', async (...options) => {
    const given = options.filter((option) => option !== undefined);
    const scored = await score(...given);
    const searched = await search('--strategy', 'radin', '--sampler', 'exhaustive', ...given);
    expect(scored.candidates.every(({ estimate }) => typeof estimate === 'number')).toBe(true);
    const order = ({ candidates }: Pick<SearchReport, 'candidates'>) =>
      candidates.map(({ models, estimate }) => [models, estimate]);
    expect(order(searched)).toEqual(order(scored));
    expect(searched.estimate).toEqual(scored.estimate);
    expect(searched.estimate.name).toBe(given[1]);
  });

  it.each([...ESTIMATES.slice(0, 2), ['--estimate', 'composite', '--smoothing', '1'], ['--metric', 'top-2']])(
    'is where an adaptive search starts, whose single models stay exact: %s %s',
    async (...options) => {
      const report = await search(...options.filter((option) => option !== undefined));
      expect(report.method).toBe('adaptive');
      for (const { models, approxScore, valScore } of report.candidates) {
        if (models.length === 1) expect(valScore).toBe(approxScore);
      }
      expect(report.best.valScore).toBeGreaterThanOrEqual(report.bestIndividual.valScore as number);
    },
  );

  it('is recorded, also where it was left out', async () => {
    expect((await search()).estimate).toEqual({ name: 'composite', temperature: 'none', smoothing: 0.25 });
    expect((await search('--metric', 'cross-entropy')).estimate).toEqual({ name: 'composite', temperature: 'none' });
    expect((await search('--strategy', 'radin')).estimate).toEqual({ name: 'metric', temperature: 'none' });
    const { estimate, candidates } = await score();
    expect(estimate).toEqual({ name: 'metric', temperature: 'none' });
    expect(candidates.some((candidate) => 'estimate' in candidate)).toBe(false);
  });

  it('has a column of its own in the text of score', async () => {
    const { stdout } = await runRadin(['score', ...logits, '--estimate', 'cross-entropy', '--top', '2'], pool.folder);
    expect(stdout).toMatch(/^rank +approx\. score +cross-entropy +models\n1 +[\d.]+ ?% +-\d\.\d{5} +\d/);
  });
});

describe.concurrent('is refused in one line:', () => {
  it.each([
    [
      ['search', '.', '--strategy', 'radin', '--estimate', 'composite'],
      'Expected one of metric, cross-entropy, cross-entropy-of-probabilities, smoothed-accuracy with --strategy radin but found composite',
    ],
    [
      ['search', '.', '--estimate', 'metric', '--smoothing', '0.5'],
      'Expected --estimate smoothed-accuracy with --smoothing but found metric',
    ],
    [
      ['score', ...logits, '--smoothing', '0.5'],
      'Expected --estimate smoothed-accuracy with --smoothing but found metric',
    ],
  ])('%j', async (args, message) => {
    expect(await refusal(args)).toBe(`radin: error: ${message}\n`);
  });

  it.each([
    [['score', ...logits, '--estimate', 'composite'], /composite/],
    [['search', '.', '--smoothing', '0'], /number from 0.001 to 1000/],
    [['search', '.', '--temperature', 'all'], /none, per-model/],
  ])('%j', async (args, message) => {
    expect(await refusal(args)).toMatch(message);
  });
});
