import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RadinError } from '@radin/core';
import { describe, expect, test } from 'vitest';
import { resolvePool } from '../src/pool/pool-files.js';
import { type LinearPool, linearPool, writeConfig, writeFloats } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

const LABELS = '{ labels: val_labels.npy }';

/** A pool without graph and inputs whose evaluator is a few lines of sh. */
async function shellPool(
  lines: string,
  more = '',
  entries: Readonly<Record<string, string>> = {},
): Promise<LinearPool> {
  const pool = await linearPool({ models: 3 });
  const command = JSON.stringify(['sh', '-c', lines]);
  const evaluator = `{ command: ${command}${more} }`;
  writeConfig(pool.folder, { graph: undefined, validation: LABELS, evaluator, ...entries });
  rmSync(join(pool.folder, 'model.onnx'));
  return pool;
}

/** Random logits for each model of the pool, in the folder `logits`. */
async function writeLogits({ folder, models, validation }: LinearPool): Promise<void> {
  mkdirSync(join(folder, 'logits'));
  const samples = validation.labels.length;
  for (const [k, { id }] of models.entries()) {
    const values = Float32Array.from({ length: samples * 4 }, (_, at) => Math.sin((k + 2) * (at + 1)));
    await writeFloats(join(folder, 'logits', `${id}.npy`), [samples, 4], values);
  }
}

describe('a program that evaluates', () => {
  test('is run by evaluate, said before, and asked even where logits are given', async () => {
    const pool = await shellPool(`echo '{"score": 0.25}'`, '', { logits: "'logits/*.npy'" });
    const { stdout, stderr } = await runRadin(['evaluate', '.', 'b', '--json'], pool.folder);
    expect(JSON.parse(stdout)).toEqual({
      ...{ model: 'b', split: 'validation', samples: 150, metric: 'accuracy', score: 0.25, reused: false },
    });
    expect(stderr).toBe(`radin: note: each evaluation runs sh -c echo '{"score": 0.25}' in .\n`);
    const saved = await runRadin(['evaluate', '.', 'b', '--save-logits', 'b.npy', '--quiet'], pool.folder);
    expect(saved).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/write to b\.npy but found only a score/),
    });
  });

  test('is not run by inspect', async () => {
    const pool = await shellPool('touch ran');
    expect(await radinJson(['inspect', '.'], pool.folder)).toMatchObject({ problems: [] });
    expect(existsSync(join(pool.folder, 'ran'))).toBe(false);
  });

  test('is gone, with its files, when Ctrl-C is pressed twice', async () => {
    const pool = await shellPool(`trap '' TERM; echo $$ > pid; mv pid started; while :; do sleep 0.1; done`);
    const temporary = newFolder();
    const started = join(pool.folder, 'started');
    let signal: NodeJS.Signals | null = null;
    const { code } = await runRadin(
      ['search', '.'],
      pool.folder,
      async (child) => {
        child.once('exit', (_, by) => {
          signal = by;
        });
        while (!existsSync(started)) await sleep(20);
        child.kill('SIGINT');
        await sleep(200);
        child.kill('SIGINT');
      },
      { TMPDIR: temporary },
    );
    expect([code, signal]).toEqual([null, 'SIGINT']);
    expect(isAlive(Number(readFileSync(started, 'utf8')))).toBe(false);
    expect(listing(temporary)).toEqual([]);
  });
});

test('score takes logits and labels from a pool without models and graph', async () => {
  const pool = await linearPool({ models: 3 });
  await writeLogits(pool);
  const flags = ['--logits', 'logits/*.npy', '--labels', 'val_labels.npy', '--metric', 'top-2'];
  const expected = await radinJson(['score', ...flags], pool.folder);
  writeConfig(pool.folder, {
    ...{ graph: undefined, models: undefined, validation: LABELS, logits: "'logits/*.npy'", metric: 'top-2' },
  });
  rmSync(join(pool.folder, 'models'), { recursive: true });
  expect(await radinJson(['score', pool.folder], newFolder())).toEqual(expected);
});

describe('a radin.yaml is refused', () => {
  const COMMAND = '{ command: "x {weights}" }';
  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ['with a graph and labels alone', { validation: LABELS }, /the key "validation\.inputs" but found none at .*:3:1$/],
    ['with a test split without inputs', { test: LABELS }, /the key "test\.inputs" but found none at .*:4:1$/],
    ['without models', { models: undefined, evaluator: COMMAND }, /the key "models" but found none/],
    [
      'with an unknown key of the evaluator',
      { evaluator: '{ command: x, slot: 2 }' },
      /"slot" at .*did you mean "slots"/,
    ],
    ['without a command', { evaluator: '{ slots: 2 }' }, /"evaluator\.command" .* a list of a program/],
    ['with a command of numbers', { evaluator: '{ command: [1] }' }, /"evaluator\.command" .* a list of a program/],
    ['with no slot', { evaluator: '{ command: x, slots: 0 }' }, /"evaluator\.slots"/],
    ['with a time of nothing', { evaluator: '{ command: x, timeout: 0 }' }, /"evaluator\.timeout"/],
    [
      'with weights of another format',
      { evaluator: '{ command: x, weights: pt }' },
      /"evaluator\.weights" .*safetensors/,
    ],
    [
      'with logits in two places',
      { logits: 'a.npy', validation: '{ inputs: val_inputs.npy, labels: val_labels.npy, logits: a.npy }' },
      /in one place/,
    ],
    ['with logits that are not there', { logits: "'none/*.npy'" }, /match "none\/\*\.npy" but found none/],
  ])('%s', async (_, entries, message) => {
    const pool = await linearPool({ models: 2 });
    writeConfig(pool.folder, entries);
    const error = await resolvePool(pool.folder, {}).then(
      () => undefined,
      (thrown: RadinError) => thrown,
    );
    expect(error).toMatchObject({ name: 'RadinError', message: expect.stringMatching(message) });
  });

  test('unless a graph on the command line takes the place of the command', async () => {
    const pool = await linearPool({ models: 2 });
    writeConfig(pool.folder, { evaluator: COMMAND });
    expect((await resolvePool(pool.folder, {})).files.evaluator).toEqual({
      command: 'x {weights}',
      folder: pool.folder,
    });
    const { files } = await resolvePool(pool.folder, { graph: 'other.onnx' });
    expect([files.graph, files.evaluator]).toEqual(['other.onnx', undefined]);
  });

  test('unless flags name what it lacks', async () => {
    const pool = await linearPool({ models: 2 });
    await writeLogits(pool);
    writeConfig(pool.folder, { graph: undefined, validation: LABELS });
    const at = (name: string) => join(pool.folder, name);
    const flags = { graph: at('model.onnx'), valInputs: [at('val_inputs.npy')], valLogits: [at('logits/*.npy')] };
    const { files } = await resolvePool(pool.folder, flags);
    expect(files).toMatchObject({
      graph: at('model.onnx'),
      validation: { inputs: at('val_inputs.npy'), labels: at('val_labels.npy') },
      logits: { validation: [/logits\/a\.npy$/, /logits\/b\.npy$/].map((path) => expect.stringMatching(path)) },
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
