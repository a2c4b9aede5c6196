import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ContentCache } from '../../src/cache/index.js';
import { holdOut, readSplit } from '../../src/data/index.js';
import { metricNamed, metricNames, predictionMetric, TASKS, type TaskName } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { Random } from '../../src/random.js';
import { adaptive, splitStatistics } from '../../src/recipes/index.js';
import { evaluateTop, raceTop } from '../../src/stage2/index.js';
import { everySubset, refused, temporaryFolder, tensor, writeArray } from '../pools.js';
import { MODELS, openTask, SAMPLES, type TaskFiles, TOKENS, taskFiles } from '../task-pools.js';

const folder = temporaryFolder();
const mixtures = [
  ...everySubset(MODELS).map((members) => Mixture.uniform(MODELS, members)),
  Mixture.of([0.1, 0.2, 0.3, 0.4]),
];
const pools = new Map(
  await Promise.all(
    TASKS.map(async (task) => {
      const files = await taskFiles(folder, task);
      return [task, { files, ...(await openTask(files)) }] as const;
    }),
  ),
);
const poolOf = (task: TaskName) => pools.get(task) as { files: TaskFiles } & Awaited<ReturnType<typeof openTask>>;

const everyMetric = TASKS.flatMap((task) =>
  metricNames(task).map((name): [TaskName, string] => [task, name === 'top-K' ? 'top-2' : name]),
);

describe.each(everyMetric)('%s by %s', (task, name) => {
  test('of linear networks every soup scores as its averaged logits, and a model as itself to the bit', async () => {
    const { pool, scorer } = poolOf(task);
    const validation = await scorer(name);
    const approx = await validation.approxScores(mixtures);
    for (const [row, score] of (await validation.scores(mixtures)).entries()) {
      expect(Math.abs(score - (approx[row] as number))).toBeLessThan(1e-5);
    }
    const individual = await validation.individualScores();
    for (const [k, model] of pool.checkpoints.entries()) {
      expect((await validation.evaluate(model)).score).toBe(individual[k]);
    }
  });
});

test.each<[TaskName, string]>([
  ['multi-class', 'macro-f1'],
  ['multi-label', 'subset-accuracy'],
  ['regression', 'mse'],
  ['token-classification', 'accuracy'],
])('the adaptive search finds a soup of %s by %s that beats the best single model', async (task, name) => {
  const { geometry, scorer } = poolOf(task);
  const validation = await scorer(name);
  const { best, evaluations, passes } = await adaptive(validation, { budget: 6, candidates: 50, geometry });
  const individual = await validation.individualScores();
  expect(best.score).toBeGreaterThan(Math.max(...individual));
  expect(passes).toBeLessThanOrEqual(evaluations);
  expect((await validation.scores([best.mixture]))[0]).toBe(best.score);
});

test('soups by a metric that is no mean over the samples, and of tokens, get full passes instead of a race', async () => {
  for (const [task, name] of [
    ['multi-class', 'auroc'],
    ['token-classification', 'accuracy'],
  ] as const) {
    const { scorer } = poolOf(task);
    const candidates = mixtures
      .filter(({ size }) => size > 1)
      .map((mixture, at) => ({ mixture, approxScore: 0, rank: at + 1 }));
    const raced = await raceTop(await scorer(name), candidates, 5, { mode: 'exact' });
    expect(raced.passes).toBe(5);
    expect(raced.candidates).toEqual(await evaluateTop(await scorer(name), candidates, 5));
  }
});

test.each<[TaskName, string]>([
  ['multi-class', 'brier'],
  ['binary', 'brier'],
  ['multi-label', 'accuracy'],
  ['multi-label', 'subset-accuracy'],
  ['multi-label', 'cross-entropy'],
  ['regression', 'mse'],
  ['regression', 'mae'],
])('a race of %s by %s has the winner of full passes', async (task, name) => {
  const { scorer } = poolOf(task);
  const candidates = mixtures
    .filter(({ size }) => size > 1)
    .map((mixture, at) => ({ mixture, approxScore: 0, rank: at + 1 }));
  const full = await evaluateTop(await scorer(name), candidates, 8);
  const raced = await raceTop(await scorer(name), candidates, 8, { mode: 'exact' });
  expect(raced.passes).toBeLessThanOrEqual(8);
  const best = full.reduce((first, one) => ((one.score as number) > (first.score as number) ? one : first));
  const finished = raced.candidates.filter(({ score }) => score !== undefined);
  const winner = finished.reduce((first, one) => ((one.score as number) > (first.score as number) ? one : first));
  expect(winner.rank).toBe(best.rank);
  for (const [at, { score, scoreAtMost = score }] of raced.candidates.entries()) {
    expect(scoreAtMost as number).toBeGreaterThan((full[at]?.score as number) - 1e-6);
  }
});

test('tokens that do not count are no rows, and tokens have no intervals', async () => {
  const { files, scorer } = poolOf('token-classification');
  const validation = await scorer('accuracy');
  const { values } = (await readSplit('validation', files.validation, files.task)).labels;
  expect(validation.samples).toBe(values.length);
  expect(validation.samples).toBeLessThan(SAMPLES * TOKENS);
  const [a, b] = mixtures as [Mixture, Mixture];
  expect(Object.keys(await splitStatistics(validation, a, b))).toEqual(['samples', 'score', 'otherScore']);
});

test.each(TASKS)('a hold-out of %s parts samples with their labels and groups', async (task) => {
  const { files } = poolOf(task);
  const split = await readSplit('validation', files.validation, files.task);
  const { kept, heldOut } = holdOut(split, 0.25, new Random(3));
  expect(heldOut.samples).toBe(SAMPLES / 4);
  const sum = (of: (part: typeof split) => ArrayLike<number>) => Array.from(of(kept)).concat(Array.from(of(heldOut)));
  for (const of of [
    ({ labels }: typeof split) => labels.values,
    ({ labels }: typeof split) => labels.targets ?? [],
    ({ labels }: typeof split) => labels.groups ?? [],
  ]) {
    expect(sum(of).sort()).toEqual(Array.from(of(split)).sort());
  }
});

describe('what was evaluated is remembered', () => {
  const soup = [Mixture.uniform(MODELS, [0, 1]), Mixture.uniform(MODELS, [1, 2, 3])];
  const reusedBy = async (
    task: TaskName,
    cache: ContentCache,
    name: Parameters<ReturnType<typeof poolOf>['scorer']>[0],
    changed?: Partial<TaskFiles>,
  ) => {
    const validation = await poolOf(task).scorer(name, cache, changed);
    await validation.scores(soup);
    return validation.reused.evaluations;
  };

  test.each(everyMetric)('%s by %s', async (task, name) => {
    const cache = await ContentCache.open(join(folder, `cache-${task}-${name}`));
    expect(await reusedBy(task, cache, name)).toBe(0);
    expect(await reusedBy(task, cache, name)).toBe(2);
  });

  test('not for other targets, groups, tokens that count or modules', async () => {
    const cache = await ContentCache.open(join(folder, 'cache-changed'));
    const { files: tokens } = poolOf('token-classification');
    const { files: regression } = poolOf('regression');
    const { files: classes } = poolOf('multi-class');
    const groups = await writeArray(join(folder, 'g.npy'), tensor('I32', [SAMPLES], new Int32Array(SAMPLES)));
    expect(await reusedBy('regression', cache, 'mse')).toBe(0);
    const labels = regression.test.labels;
    expect(await reusedBy('regression', cache, 'mse', { validation: { ...regression.validation, labels } })).toBe(0);
    expect(await reusedBy('multi-class', cache, 'worst-group-accuracy')).toBe(0);
    const regrouped = { validation: { ...classes.validation, groups } };
    expect(await reusedBy('multi-class', cache, 'worst-group-accuracy', regrouped)).toBe(0);
    expect(await reusedBy('token-classification', cache, 'accuracy')).toBe(0);
    const { labels: others } = tokens.test;
    const changed = { validation: { ...tokens.validation, labels: others } };
    expect(await reusedBy('token-classification', cache, 'accuracy', changed)).toBe(0);
    const own = (source: string) => predictionMetric('own', ({ logits }) => logits[0] as number, { source });
    expect(await reusedBy('multi-class', cache, own('a'))).toBe(0);
    expect(await reusedBy('multi-class', cache, own('b'))).toBe(0);
    expect(await reusedBy('multi-class', cache, own('a'))).toBe(2);
  });
});

test('a metric that these samples do not define is an error that names it', async () => {
  const validation = await poolOf('multi-class').scorer(predictionMetric('own', () => Number.NaN));
  await expect(validation.individualScores()).rejects.toEqual(
    refused('DATA', /for which own is defined but found NaN/),
  );
});

describe('refused with the file and row', () => {
  const write = (name: string, data: ReturnType<typeof tensor>) => writeArray(join(folder, `${name}.npy`), data);
  test.each<[string, TaskName, ReturnType<typeof tensor>, RegExp]>([
    [
      'a label 2',
      'binary',
      tensor('U8', [SAMPLES], new Uint8Array(SAMPLES).fill(2, 7)),
      /0 and 1 but found 2 .*row 7$/,
    ],
    [
      'one-hot labels of two classes',
      'binary',
      tensor('U8', [30, 2], new Uint8Array(60)),
      /\[samples\] but found \[30, 2\]/,
    ],
    ['half a label', 'multi-label', tensor('F32', [1, 2], Float32Array.of(1, 0.5)), /0 and 1 but found 0\.5 .*row 0$/],
    [
      'labels without an axis',
      'multi-label',
      tensor('U8', [2], Uint8Array.of(1, 0)),
      /\[samples, labels\] but found \[2\]/,
    ],
    ['targets that are not finite', 'regression', tensor('F32', [2], Float32Array.of(0, Number.NaN)), /NaN .*row 1$/],
    ['booleans', 'regression', tensor('BOOL', [2], Uint8Array.of(1, 0)), /F32, F64 or integers but found BOOL/],
    [
      'another negative label',
      'token-classification',
      tensor('I32', [1, 2], Int32Array.of(-1, -100)),
      /or -1 .*found -100 .*row 0, token 1$/,
    ],
    [
      'no token that counts',
      'token-classification',
      tensor('I32', [1, 2], Int32Array.of(-1, -1)),
      /one token that counts/,
    ],
  ])('%s of %s', async (name, task, data, message) => {
    const { files } = poolOf(task);
    const labels = await write(name.replaceAll(' ', '-'), data);
    await expect(readSplit('validation', { ...files.validation, labels }, files.task)).rejects.toEqual(
      refused('DATA', message),
    );
  });

  test('groups of another number of samples', async () => {
    const { files } = poolOf('multi-class');
    const groups = await write('groups', tensor('I32', [3], Int32Array.of(0, 1, 2)));
    await expect(readSplit('validation', { ...files.validation, groups })).rejects.toEqual(
      refused('DATA', /one group per sample, shape \[60\], but found \[3\]/),
    );
  });

  test('labels for other tokens than the model has', async () => {
    const { files, scorer } = poolOf('token-classification');
    const labels = await write('wide', tensor('I32', [SAMPLES, 9], new Int32Array(9 * SAMPLES)));
    const validation = await scorer('accuracy', undefined, { validation: { ...files.validation, labels } });
    await expect(validation.cache()).rejects.toEqual(refused('EVALUATION', /for 9 tokens .* found \[\d+, 3, 3\]/));
  });

  test('targets of another width than the outputs', async () => {
    const { files, scorer } = poolOf('regression');
    const labels = await write('narrow', tensor('F64', [SAMPLES], new Float64Array(SAMPLES)));
    const validation = await scorer('mse', undefined, { validation: { ...files.validation, labels } });
    await expect(validation.cache()).rejects.toEqual(refused('DATA', /2 outputs for each sample.*found 1/));
  });
});

test('the default of each task is its first metric', () => {
  expect(TASKS.map((task) => metricNames(task)[0])).toEqual(['accuracy', 'accuracy', 'accuracy', 'accuracy', 'mse']);
  expect(metricNamed('mse', 'regression')?.negated).toBe(true);
});
