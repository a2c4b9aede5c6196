import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defaultMetric, metricNamed, TASKS, type TaskName } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { type PoolFiles, Problem, type ProblemOptions } from '../../src/problem/index.js';
import { everySubset, f32, refused, temporaryFolder, writeArray } from '../pools.js';
import { MODELS, SAMPLES, type TaskFiles, TOKENS, taskFiles } from '../task-pools.js';

const folder = temporaryFolder();
const SCRIPT = fileURLToPath(new URL('../evaluator/task-command.mjs', import.meta.url));
const SHAPES: Readonly<Record<TaskName, readonly number[]>> = {
  'multi-class': [SAMPLES, 4],
  binary: [SAMPLES],
  'multi-label': [SAMPLES, 4],
  'token-classification': [SAMPLES, TOKENS, 3],
  regression: [SAMPLES, 2],
};
const mixtures = everySubset(MODELS).map((members) => Mixture.uniform(MODELS, members));
const pools = new Map(await Promise.all(TASKS.map(async (task) => [task, await taskFiles(folder, task)] as const)));
const poolOf = (task: TaskName) => pools.get(task) as TaskFiles;

/** The pool without its graph and inputs, which only a program knows. */
function withCommand({ graph: _, ...files }: TaskFiles, command: readonly string[]): PoolFiles {
  const place = dirname(files.validation.labels);
  const data = ({ labels, groups }: TaskFiles['validation']) => ({ labels, groups });
  return {
    ...files,
    validation: data(files.validation),
    test: data(files.test),
    evaluator: { command, folder: place, slots: 2, retries: 0, timeout: 60 },
  };
}

function byProgram(task: TaskName): PoolFiles {
  const files = poolOf(task);
  copyFileSync(SCRIPT, join(dirname(files.graph), 'evaluate.mjs'));
  const shape = SHAPES[task].join();
  return withCommand(files, [process.execPath, 'evaluate.mjs', '{weights}', '{split}', '{logits}', shape]);
}

/** What the program gives for each model of the pool, in files as another tool would have left them. */
function writtenLogits(task: TaskName): Required<NonNullable<PoolFiles['logits']>> {
  const { models, graph } = poolOf(task);
  const of = (split: string) => {
    const place = mkdtempSync(join(dirname(graph), 'logits-'));
    return models.map((path) => {
      const logits = join(place, `${basename(path, '.safetensors')}.npy`);
      const run = spawnSync(process.execPath, [SCRIPT, path, split, logits, SHAPES[task].join()], {
        cwd: dirname(graph),
      });
      expect(run.status).toBe(0);
      return logits;
    });
  };
  return { validation: of('validation'), test: of('test') };
}

async function open(files: PoolFiles, name?: string, changes: Partial<ProblemOptions> = {}): Promise<Problem> {
  const task = files.task?.name ?? 'multi-class';
  const metric = name === undefined ? defaultMetric(task) : metricNamed(name, task);
  if (metric === undefined) throw new RangeError(`Expected a metric of ${task} but received ${name}`);
  const problem = await Problem.open(files, { metric, backend: 'auto', threads: 1, ...changes });
  onTestFinished(() => problem.dispose());
  return problem;
}

/** Scores of logits that differ in their last bits. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  for (let at = 0; at < found.length; at++) {
    expect(Math.abs((found[at] as number) - (expected[at] as number))).toBeLessThan(1e-5);
  }
}

describe.each(TASKS)('%s', (task) => {
  test('is scored by a program, and by given logits of the models, as by the graph, on both splits', async () => {
    const [graph, program] = [await open(poolOf(task)), await open(byProgram(task))];
    expectClose(await program.validation.individualScores(), await graph.validation.individualScores());
    expectClose(
      await program.validation.scores(mixtures.slice(4, 7)),
      await graph.validation.scores(mixtures.slice(4, 7)),
    );

    const given = await open({ ...byProgram(task), logits: writtenLogits(task) });
    const runs = join(dirname(poolOf(task).graph), 'runs');
    rmSync(runs);
    for (const split of ['validation', 'test'] as const) {
      const [ours, theirs] = await Promise.all(
        [given, graph].map((problem) => (split === 'test' ? problem.openTest() : problem.validation)),
      );
      expectClose(
        (await ours?.approxScores(mixtures)) as Float64Array,
        (await theirs?.approxScores(mixtures)) as Float64Array,
      );
    }
    expectClose(
      await given.validation.scores(mixtures.slice(0, 3)),
      await graph.validation.scores(mixtures.slice(0, 3)),
    );
    expect(readFileSync(runs, 'utf8').trim().split('\n')).toEqual(['m0+m1']);
  });

  test('has samples held out of a program’s and of given logits', async () => {
    const holdOut = { fraction: 0.25, seed: 3 };
    const graph = await open(poolOf(task), undefined, { holdOut });
    const given = await open({ ...byProgram(task), logits: writtenLogits(task) }, undefined, { holdOut });
    const some = mixtures.slice(3, 5);
    for (const name of ['validation', 'holdout'] as const) {
      const [ours, theirs] = [given.scorers.get(name), graph.scorers.get(name)];
      expect(ours?.samples).toBe(theirs?.samples);
      expectClose((await ours?.scores(some)) as number[], (await theirs?.scores(some)) as number[]);
    }
    expectClose(await given.validation.individualScores(), await graph.validation.individualScores());
  });

  test('refuses outputs of another shape than the task’s, from a program and from files', async () => {
    const wrong = task === 'token-classification' ? [SAMPLES, TOKENS + 1, 3] : [SAMPLES, 2, 2];
    const path = await writeArray(
      join(folder, `${task}.npy`),
      f32(wrong, new Float32Array(wrong.reduce((a, b) => a * b, 1))),
    );
    const files = withCommand(poolOf(task), ['cp', path, '{logits}']);
    const message = new RegExp(`logits of shape \\[.*but found \\[${wrong.join(', ')}\\] in .*\\.npy`);
    await expect((await open(files)).validation.cache()).rejects.toEqual(refused('EVALUATION', message));
    const place = mkdtempSync(join(folder, 'wrong-'));
    const ids = poolOf(task).models.map((model) => basename(model, '.safetensors'));
    const logits = { validation: ids.map((id) => join(place, `${id}.npy`)) };
    for (const copy of logits.validation) copyFileSync(path, copy);
    await expect(open({ ...files, logits })).rejects.toEqual(refused('DATA', message));
  });
});

test('NaN in a program’s logits of tokens is named by sample, token and class', async () => {
  const values = new Float32Array(SAMPLES * TOKENS * 3).fill(Number.NaN, 9 + 3 + 2, 9 + 3 + 3);
  const path = await writeArray(join(folder, 'nan.npy'), f32(SHAPES['token-classification'], values));
  const problem = await open(withCommand(poolOf('token-classification'), ['cp', path, '{logits}']));
  await expect(problem.validation.cache()).rejects.toEqual(
    refused('EVALUATION', /finite logits but found NaN in .*\.npy, sample 1, token 1, class 2$/),
  );
});

test.each<[TaskName, string, number, RegExp | undefined]>([
  ['regression', 'r2', 0.9, undefined],
  ['regression', 'r2', 1.5, /a score ≤ 1 for r2 but found 1\.5$/],
  ['regression', 'mse', -0.25, undefined],
  ['regression', 'mse', 0.25, /a score ≤ 0, the negative loss, for mse but found 0\.25$/],
  ['multi-class', 'brier', -1.5, undefined],
  ['binary', 'brier', -1.5, /from -1 to 0, the negative loss, for brier but found -1\.5$/],
  ['multi-label', 'macro-f1', 0.5, undefined],
  ['token-classification', 'accuracy', 2, /from 0 to 1 for accuracy but found 2$/],
])('a program prints scores of %s by %s: %d', async (task, metric, score, message) => {
  const files = withCommand(poolOf(task), ['sh', '-c', `echo '{"score": ${score}}'`]);
  const evaluated = (await open(files, metric)).validation.scores([mixtures[4] as Mixture]);
  if (message === undefined) expect(await evaluated).toEqual([score]);
  else await expect(evaluated).rejects.toEqual(refused('EVALUATION', message));
});
