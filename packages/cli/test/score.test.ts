import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExplanationReport, readNpy, type SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLASSES, type LinearPool, linearPool } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

interface ScoreReport {
  readonly pool: { readonly models: number; readonly samples: number; readonly classes: number };
  readonly candidates: SearchReport['candidates'];
  readonly scored: number;
  readonly explanation?: ExplanationReport;
}

describe.concurrent('logits that evaluate has saved', () => {
  let pool: LinearPool;
  beforeAll(async () => {
    pool = await linearPool();
    mkdirSync(join(pool.folder, 'logits'));
    await Promise.all(
      pool.models.map(({ id }) =>
        radinJson(['evaluate', pool.folder, id, '--save-logits', `logits/${id}.npy`], pool.folder),
      ),
    );
  });

  const score = (...options: string[]) =>
    radinJson<ScoreReport>(
      ['score', '--logits', 'logits/*.npy', '--labels', 'val_labels.npy', ...options],
      pool.folder,
    );

  it.each([
    ['monte-carlo', []],
    ['exhaustive', []],
    ['branch-and-bound,convex,swaps', []],
    ['exhaustive', ['--lambda', '0.01']],
    ['exhaustive', ['--metric', 'top-2']],
    ['exhaustive', ['--metric', 'cross-entropy', '--backend', 'reference']],
    ['monte-carlo', ['--candidates', '4', '--seed', '7', '--no-include-uniform', '--threads', '1']],
  ])('score as in stage 1 of a search: %s %j', async (sampler, options) => {
    const all = ['--sampler', sampler, ...options];
    const [scored, searched] = await Promise.all([
      score(...all),
      radinJson<SearchReport>(
        ['search', pool.folder, '--budget', '1', '--no-report', '--out', newFolder(), ...all],
        pool.folder,
      ),
    ]);
    const stage1 = searched.candidates.map(({ valScore: _, ...candidate }) => candidate);
    expect(scored.candidates).toEqual(stage1);
    expect(scored.scored).toBe(stage1.length);
    expect(scored.pool).toEqual({ models: 4, samples: 150, classes: 4 });
  });

  it('explain what each model is worth, as a search does', async () => {
    const options = ['--sampler', 'exhaustive', '--explain'];
    const [scored, searched, text] = await Promise.all([
      score(...options),
      radinJson<SearchReport>(
        ['search', pool.folder, '--budget', '1', '--no-report', '--out', newFolder(), '--explain'],
        pool.folder,
      ),
      runRadin(['score', '--logits', 'logits/*.npy', '--labels', 'val_labels.npy', ...options], pool.folder),
    ]);
    const { models, ensembleScore, emptyScore, method, subsets } = scored.explanation as ExplanationReport;
    expect({ method, subsets }).toEqual({ method: 'exact', subsets: 15 });
    expect(models.map(({ model }) => model).sort()).toEqual(pool.models.map(({ id }) => id).sort());
    expect(models.reduce((sum, { shapley }) => sum + shapley, 0)).toBeCloseTo(ensembleScore - emptyScore, 12);
    const { ingredients, ...explanation } = searched.explanation as ExplanationReport;
    expect(explanation).toEqual(scored.explanation);
    expect(ingredients?.map(({ model }) => model) ?? []).toEqual(
      searched.best.models.length > 1 ? searched.best.models : [],
    );
    expect(text.stdout).toMatch(/^what each model is worth to the ensemble of all \(exact, from all 15 subsets\)$/m);
    expect(text.stdout).toMatch(/^pairs that (help|hurt)$/m);
  });

  it('are float32 of shape [samples, classes]', async () => {
    const { dtype, shape, data } = await readNpy(join(pool.folder, 'logits/b.npy'));
    expect({ dtype, shape }).toEqual({ dtype: 'F32', shape: [150, CLASSES] });
    const values = new Float32Array(data.buffer);
    const model = pool.models[1];
    const [first] = pool.validation.inputs;
    expect(first).not.toBe(0);
    let expected = model?.bias[0] as number;
    for (let at = 0; at < 6; at++) {
      expected += (pool.validation.inputs[at] as number) * (model?.weight[at * CLASSES] as number);
    }
    expect(values[0]).toBeCloseTo(expected, 5);
  });

  it('are of the test split with --split test', async () => {
    await radinJson(['evaluate', pool.folder, 'a', '--split', 'test', '--save-logits', 'test_a.npy'], pool.folder);
    expect((await readNpy(join(pool.folder, 'test_a.npy'))).shape).toEqual([100, CLASSES]);
  });

  it('are ranked without any model file, the best first, with --top K of them printed', async () => {
    const all = await score('--sampler', 'exhaustive');
    const top = await score('--sampler', 'exhaustive', '--top', '3');
    expect(top.candidates).toEqual(all.candidates.slice(0, 3));
    expect(top.scored).toBe(15);
    const { stdout } = await runRadin(
      ['score', '--logits', 'logits/a.npy', 'logits/b.npy', '--labels', 'val_labels.npy', '--top', '1', '--quiet'],
      pool.folder,
    );
    expect(stdout).toMatch(/1 +\d+\.\d\d % +2 +a b\n\n1 of 1 scored candidates shown\n$/);
  });

  it('give the score that evaluate counted, for a model alone', async () => {
    const { candidates } = await score('--sampler', 'exhaustive');
    for (const { id } of pool.models) {
      const evaluated = await radinJson<{ score: number; correct: number; samples: number; model: string }>(
        ['evaluate', pool.folder, id],
        pool.folder,
      );
      const alone = candidates.find(({ models }) => models.join() === id);
      expect(evaluated).toMatchObject({ model: id, samples: 150, score: alone?.approxScore });
      expect(evaluated.correct / evaluated.samples).toBe(evaluated.score);
    }
  });
});

describe.concurrent('the metric', () => {
  it('top-C is 1 for C classes, and top-1 is the accuracy', async () => {
    const { folder } = await linearPool();
    const evaluate = (metric: string) => radinJson(['evaluate', folder, 'a', '--metric', metric], folder);
    expect(await evaluate('top-4')).toMatchObject({ metric: 'top-4', score: 1, correct: 150 });
    expect(await evaluate('top-1')).toEqual(await evaluate('accuracy'));
  });

  it('cross-entropy is negative and counts nothing', async () => {
    const { folder } = await linearPool();
    const report = await radinJson<{ score: number }>(['evaluate', folder, 'a', '--metric', 'cross-entropy'], folder);
    expect(report.score).toBeLessThan(0);
    expect(report).not.toHaveProperty('correct');
  });
});

it('saved logits have the same bytes on one thread and on two', async () => {
  const { folder } = await linearPool();
  for (const threads of ['1', '2']) {
    await radinJson(['evaluate', folder, 'a', '--threads', threads, '--save-logits', `${threads}.npy`], folder);
  }
  expect(readFileSync(join(folder, '1.npy')).equals(readFileSync(join(folder, '2.npy')))).toBe(true);
});
