import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ContentCache } from '../../src/cache/index.js';
import { accuracy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { inspectProblem, leastMemory, type PoolFiles, Problem, type ProblemOptions } from '../../src/problem/index.js';
import { adaptive, radin } from '../../src/recipes/index.js';
import { exhaustive } from '../../src/sampler/index.js';
import { raceTop } from '../../src/stage2/index.js';
import {
  f32,
  membersOf,
  refused,
  soupAccuracy,
  type TinyPool,
  temporaryFolder,
  tinyPool,
  writeArray,
} from '../pools.js';

const folder = temporaryFolder();
const SCRIPT = fileURLToPath(new URL('../evaluator/linear-command.mjs', import.meta.url));
const pools = Promise.all([1, 2].map((seed) => tinyPool(folder, { models: 3, samples: 40, noise: 1.5, seed })));
const exhaustively = { samplers: [exhaustive], candidates: 7, seed: 0, includeUniform: true, budget: 7, lambda: 0 };

/** All that evaluations leave in the system's temporary folder. */
const temporary = mkdtempSync(join(folder, 'tmp-'));
const usual = process.env.TMPDIR;
beforeAll(() => {
  process.env.TMPDIR = temporary;
});
afterAll(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
});

/** A pool without graph and inputs, of which only the program knows how it is evaluated. */
function withCommand(pool: TinyPool, mode: 'logits' | 'score', logits?: PoolFiles['logits']): PoolFiles {
  const { models, validation, test: unseen } = pool.files;
  copyFileSync(SCRIPT, join(pool.folder, 'evaluate.mjs'));
  rmSync(join(pool.folder, 'runs'), { force: true });
  const command = [process.execPath, 'evaluate.mjs', mode, '{weights}', '{split}', '{logits}'];
  return {
    models,
    validation: { labels: validation.labels },
    test: { labels: unseen.labels },
    evaluator: { command, folder: pool.folder, slots: 2, timeout: 60 },
    ...(logits && { logits }),
  };
}

async function open(files: PoolFiles, changes: Partial<ProblemOptions> = {}): Promise<Problem> {
  const problem = await Problem.open(files, { metric: accuracy, backend: 'auto', threads: 1, ...changes });
  onTestFinished(() => problem.dispose());
  return problem;
}

/** Models and slots of the program's runs so far. */
function runs({ folder: at }: TinyPool): string[][] {
  const path = join(at, 'runs');
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
    : [];
}

async function writeLogits(pool: TinyPool): Promise<string[]> {
  return Promise.all(
    pool.weights.map((weights, k) => {
      const logits = f32([40, pool.classes], pool.forward(weights, pool.validation));
      // Against the order of the models: names count.
      return writeArray(join(mkdtempSync(join(pool.folder, `${9 - k}-`)), `m0${k}.npy`), logits);
    }),
  ).then((paths) => paths.reverse());
}

describe('a program that writes logits', () => {
  test('is searched as the graph is, and run once for each model and soup', async () => {
    const [pool] = (await pools) as [TinyPool];
    const problem = await open(withCommand(pool, 'logits'));
    expect(problem.notices).toEqual([
      expect.stringMatching(/^each evaluation runs .*evaluate\.mjs logits \{weights\}/),
    ]);
    const { best, candidates } = await radin(problem.validation, exhaustively);
    const graph = await open(pool.files);
    expect(candidates).toEqual((await radin(graph.validation, exhaustively)).candidates);
    expect(best.score).toBe(soupAccuracy(pool, best.mixture.ingredients, 'validation'));
    const found = runs(pool);
    expect(found.map(([model]) => model).sort()).toEqual([
      'm00',
      'm00+m01',
      'm00+m01+m02',
      'm00+m02',
      'm01',
      'm01+m02',
      'm02',
    ]);
    expect(new Set(found.map(([, slot]) => slot))).toEqual(new Set(['0', '1']));
    expect(await (await problem.openTest())?.evaluations([best.mixture])).toEqual([
      { score: soupAccuracy(pool, best.mixture.ingredients, 'test'), correct: expect.any(Uint8Array) },
    ]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('holds samples out by rows of its logits', async () => {
    const [, pool] = (await pools) as [TinyPool, TinyPool];
    const holdOut = { fraction: 0.25, seed: 3 };
    const [problem, graph] = [
      await open(withCommand(pool, 'logits'), { holdOut }),
      await open(pool.files, { holdOut }),
    ];
    const mixtures = [Mixture.uniform(3, [0, 2])];
    expect(await problem.heldOut?.evaluations(mixtures)).toEqual(await graph.heldOut?.evaluations(mixtures));
    expect(await problem.validation.evaluations(mixtures)).toEqual(await graph.validation.evaluations(mixtures));
  });
});

describe('a program that prints scores', () => {
  test('is searched on given logits, adaptively and in the order of the paper, and not run again for what is remembered', async () => {
    const [pool] = (await pools) as [TinyPool];
    const files = withCommand(pool, 'score', { validation: await writeLogits(pool) });
    const cache = await ContentCache.open(mkdtempSync(join(folder, 'cache-')));
    const search = async () => {
      const problem = await open(files, { cache });
      const geometry = (await problem.geometry()).whole;
      const found = await adaptive(problem.validation, { budget: 2, candidates: 7, geometry });
      return { problem, found };
    };
    const { problem, found } = await search();
    for (const { mixture, score } of found.candidates.slice(0, 2)) {
      expect(score).toBe(soupAccuracy(pool, membersOf(mixture), 'validation'));
    }
    expect([found.evaluations, found.passes, runs(pool).length]).toEqual([2, 2, 2]);
    const again = await search();
    expect(again.found).toEqual(found);
    expect(again.problem.validation.reused).toEqual({ models: 0, evaluations: 2 });
    expect(runs(pool)).toHaveLength(2);

    const ranked = (await problem.validation.rank({ ...exhaustively, keep: 7 })).candidates;
    const raced = await raceTop(problem.validation, ranked, 7, { mode: 'exact' });
    for (const { mixture, score } of raced.candidates) {
      expect(score).toBe(soupAccuracy(pool, membersOf(mixture), 'validation'));
    }
    await expect(raceTop(problem.validation, ranked, 7, { mode: 'statistical', error: 0.1, seed: 0 })).rejects.toEqual(
      refused('CONFIG', /whole splits, but found statistical/),
    );
  });

  test('needs given logits, one for each model and of the labels’ samples', async () => {
    const [pool] = (await pools) as [TinyPool];
    const scores = await open(withCommand(pool, 'score'));
    await expect(scores.validation.cache()).rejects.toEqual(refused('EVALUATION', /only a score .*\(logits: in radin/));
    const validation = await writeLogits(pool);
    const given = (paths: string[]) => open(withCommand(pool, 'score', { validation: paths }));
    await expect(given(validation.slice(1))).rejects.toEqual(refused('CONFIG', /found none of "m02" among 2 files/));
    await expect(given([...validation, validation[0] as string])).rejects.toEqual(
      refused('CONFIG', /found .*m02.* and /),
    );
    const short = await writeArray(join(pool.folder, 'm01.npy'), f32([39, 3], new Float32Array(117)));
    const others = validation.filter((path) => !path.endsWith('m01.npy'));
    await expect(given([...others, short])).rejects.toEqual(refused('DATA', /of 40 samples.* found 39 in .*m01\.npy$/));
    const nan = await writeArray(
      join(pool.folder, 'm01.npy'),
      f32([40, 3], new Float32Array(120).fill(Number.NaN, 7, 8)),
    );
    await expect((await given([...others, nan])).validation.cache()).rejects.toEqual(
      refused('DATA', /finite logits but found NaN in .*m01\.npy, sample 2, class 1$/),
    );
  });

  test('is refused at once where samples are held out, which no score leaves out', async () => {
    const [pool] = (await pools) as [TinyPool];
    const files = withCommand(pool, 'score', { validation: await writeLogits(pool) });
    const problem = await open(files, { holdOut: { fraction: 0.25, seed: 3 } });
    const geometry = (await problem.geometry()).whole;
    await expect(adaptive(problem.validation, { budget: 2, candidates: 7, geometry })).rejects.toEqual(
      refused('EVALUATION', /some samples can be held out, but found only a score .* of all 40 samples$/),
    );
    expect(runs(pool)).toHaveLength(1);
  });

  test('is not needed to know single models whose logits are given', async () => {
    const [pool] = (await pools) as [TinyPool];
    const problem = await open(withCommand(pool, 'score', { validation: await writeLogits(pool) }));
    const singles = [0, 1, 2].map((model) => Mixture.uniform(3, [model]));
    expect(await problem.validation.scores(singles)).toEqual(
      [0, 1, 2].map((k) => soupAccuracy(pool, [k], 'validation')),
    );
    expect(runs(pool)).toEqual([]);
  });
});

test('a program is not run to tell of its pool, and its memory is not predicted', async () => {
  const [pool] = (await pools) as [TinyPool];
  const files = withCommand(pool, 'logits');
  const { models, splits, batchNorm, predicted, problems } = await inspectProblem(files, { backend: 'auto' });
  expect(models.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
  expect(splits.map(({ samples, shape }) => [samples, shape])).toEqual([
    [40, undefined],
    [40, undefined],
  ]);
  expect([batchNorm, predicted, problems]).toEqual([undefined, undefined, []]);
  const { memory } = await open(files);
  expect(memory.predicted).toBeUndefined();
  expect(leastMemory(memory.sizes)).toBeLessThan(leastMemory({ ...memory.sizes, byPrograms: false }));
  expect(runs(pool)).toEqual([]);
});

test('given logits beyond a limit of memory are kept in a file, to the same scores', async () => {
  const [pool] = (await pools) as [TinyPool];
  const files = withCommand(pool, 'score', { validation: await writeLogits(pool) });
  const free = await open(files);
  const tight = await open(files, { maxMemory: leastMemory(free.memory.sizes) });
  const { logits } = await tight.validation.cache();
  expect(logits.map(({ source }) => source instanceof Uint8Array)).toEqual([false, false, false]);
  expect(await tight.validation.individualScores()).toEqual(await free.validation.individualScores());
});

test('a pool with neither graph nor program, a graph without inputs, or a program and inputs for BatchNorm, is refused', async () => {
  const [pool] = (await pools) as [TinyPool];
  const { graph: _, ...without } = pool.files;
  await expect(open(without)).rejects.toEqual(
    refused('CONFIG', /^Expected a graph .* or the command of an evaluator but found none/),
  );
  const labels = { validation: { labels: pool.files.validation.labels } };
  await expect(open({ ...pool.files, ...labels })).rejects.toEqual(refused('CONFIG', /inputs of the validation split/));
  const batchNorm = { ...withCommand(pool, 'logits'), batchNormInputs: pool.files.validation.inputs };
  await expect(open(batchNorm)).rejects.toEqual(refused('CONFIG', /a graph to run on the inputs for BatchNorm/));
});
