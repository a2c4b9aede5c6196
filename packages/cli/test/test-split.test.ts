import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ComparisonReport, SearchReport } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { type LinearPool, linearPool, writeConfig, writeFloats } from './pools.js';
import { radinJson, runRadinHere } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

const TEST_FILES = ['test_inputs.npy', 'test_labels.npy'];
const COMMANDS = [
  ['search', ['search', '.', '--budget', '3', '--out', 'out', '--versus-greedy'], 'result.json'],
  ['compare', ['compare', '.', '--budgets', '1,3', '--out', 'out'], 'comparison.json'],
] as const;

/** Runs a task while what happens to files is recorded, by the kernel and in its order: `open NAME` of these, `moved NAME` into the folder. */
async function watched(files: readonly string[], folder: string, task: () => Promise<unknown>): Promise<string[]> {
  const script = fileURLToPath(new URL('./watch-files.py', import.meta.url));
  const watcher = spawn('python3', [script, folder, ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  const closed = new Promise((resolve) => watcher.on('close', resolve));
  await new Promise<void>((resolve) => {
    watcher.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.startsWith('watching\n')) resolve();
    });
  });
  await task();
  watcher.stdin.end();
  await closed;
  return text.trim().split('\n').slice(1);
}

/** Random logits for each model of the pool on one split, in a folder. */
async function writeLogits({ folder, models }: LinearPool, name: string, samples: number): Promise<void> {
  mkdirSync(join(folder, name));
  for (const [k, { id }] of models.entries()) {
    const values = Float32Array.from({ length: samples * 4 }, (_, at) => Math.sin((k + 2) * (at + 1)));
    await writeFloats(join(folder, name, `${id}.npy`), [samples, 4], values);
  }
}

describe('the test split', () => {
  it.each(COMMANDS)('of %s is opened when soup and result are on disk, and not before', async (_, args, json) => {
    const { folder } = await linearPool();
    mkdirSync(join(folder, 'out'));
    const files = TEST_FILES.map((name) => join(folder, name));
    const events = await watched(files, join(folder, 'out'), () => radinJson(args, folder));
    const firstOpened = events.findIndex((event) => event.startsWith('open'));
    expect(events.slice(0, firstOpened)).toEqual(['moved soup.safetensors', `moved ${json}`]);
    expect(events.slice(firstOpened)).toContain(`moved ${json}`);
    expect(readFileSync(join(folder, 'out', json), 'utf8')).toContain('testScore');
  });

  it('whose logits are given is opened as late, with these', async () => {
    const pool = await linearPool();
    const { folder, models, validation, test } = pool;
    await writeLogits(pool, 'val', validation.labels.length);
    await writeLogits(pool, 'test', test.labels.length);
    const split = (name: string, logits: string) =>
      `{ inputs: ${name}_inputs.npy, labels: ${name}_labels.npy, logits: '${logits}/*.npy' }`;
    writeConfig(folder, { validation: split('val', 'val'), test: split('test', 'test') });
    mkdirSync(join(folder, 'out'));
    const files = [...TEST_FILES, ...models.map(({ id }) => join('test', `${id}.npy`))].map((name) =>
      join(folder, name),
    );
    const [, args] = COMMANDS[1];
    const events = await watched(files, join(folder, 'out'), () => radinJson(args, folder));
    expect(events.slice(0, 3)).toEqual([
      'moved soup.safetensors',
      'moved comparison.json',
      expect.stringMatching(/^open/),
    ]);
  });

  it.each(COMMANDS)('that turns out to be damaged costs %s its test scores and nothing else', async (_, args, json) => {
    const untested = await linearPool({ test: false });
    await radinJson(args, untested.folder);
    const without = JSON.parse(readFileSync(join(untested.folder, 'out', json), 'utf8')) as Partial<SearchReport>;
    for (const [at, damaged] of TEST_FILES.entries()) {
      const { folder } = await linearPool();
      writeFileSync(join(folder, damaged), 'no array');
      const { code, stdout, stderr } = await runRadinHere([...args, '--json'], folder);
      expect(stderr).toMatch(new RegExp(`radin: error: Expected .* but found [^\\n]*${damaged}[^\\n]*\\n$`));
      expect({ code, at }).toEqual({ code: 2, at });
      const written = JSON.parse(readFileSync(join(folder, 'out', json), 'utf8')) as Partial<SearchReport>;
      expect({ ...written, pool: without.pool }).toEqual(without);
      expect(JSON.parse(stdout)).toMatchObject(written);
      expect(listing(join(folder, 'out'))).toEqual(['report.html', json, 'soup.safetensors'].sort());
      const [ours, theirs] = [folder, untested.folder].map((one) => readFileSync(join(one, 'out', 'soup.safetensors')));
      expect(ours).toEqual(theirs);
    }
  });

  it('with other samples than labels, or labels that no model can give, is found out after the choice', async () => {
    const { folder, test } = await linearPool();
    await writeFloats(
      join(folder, 'test_labels.npy'),
      [test.labels.length],
      Float32Array.from(test.labels, () => 9),
    );
    const { code, stderr } = await runRadinHere(['search', '.', '--budget', '2', '--out', 'out'], folder);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^radin: error: Expected .*test_labels\.npy.*\n$/m)]);
    expect(existsSync(join(folder, 'out', 'soup.safetensors'))).toBe(true);
  });

  it.each(COMMANDS)(
    'whose files are missing, or none, is an error of %s before anything is evaluated',
    async (_, args) => {
      const { folder } = await linearPool();
      rmSync(join(folder, 'test_labels.npy'));
      const gone = await runRadinHere(args, folder);
      expect([gone.code, gone.stderr]).toEqual([2, expect.stringMatching(/^radin: error: .*test_labels\.npy.*\n$/)]);
      mkdirSync(join(folder, 'test_labels.npy'));
      const other = await runRadinHere(args, folder);
      expect(other.stderr).toMatch(/^radin: error: Expected a regular file but found a folder: .*test_labels\.npy\n$/);
      expect(existsSync(join(folder, 'out'))).toBe(false);
    },
  );

  it('is counted by the sizes of its files for --dry-run, which reads nothing of it', async () => {
    const { folder, test } = await linearPool();
    const args = ['search', '.', '--dry-run', '--out', 'out'];
    const files = TEST_FILES.map((name) => join(folder, name));
    const events = await watched(files, folder, async () => {
      const { splits } = await radinJson<{ splits: unknown }>(args, folder);
      expect(splits).toContainEqual({ name: 'test', samples: test.labels.length, estimated: true });
    });
    expect(events.filter((event) => event.startsWith('open'))).toEqual([]);
    const { stdout } = await runRadinHere(args, folder);
    expect(stdout).toContain(`about ${test.labels.length} samples, by its files' sizes`);
  });

  it('leaves the same result where memory is limited', async () => {
    const [free, limited] = [newFolder(), newFolder()];
    const { folder } = await linearPool({ models: 6 });
    const compare = (out: string, ...more: string[]) =>
      radinJson<ComparisonReport>(['compare', folder, '--budgets', '2', '--out', 'out', ...more], out);
    const { rows } = await compare(free);
    expect((await compare(limited, '--max-memory', '500MB')).rows).toEqual(rows);
  });
});
