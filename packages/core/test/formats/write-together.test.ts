import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { writeTogether } from '../../src/formats/write-together.js';
import { refusal, scratch } from './scratch.js';

function newFolder(): string {
  const folder = scratch('out');
  mkdirSync(folder);
  return folder;
}

/** Writes `text` into three files and one in a folder. */
const writing = (folder: string, text: string, last = 'lock') =>
  writeTogether(folder, async (staging) => {
    mkdirSync(join(staging, 'model'));
    for (const name of ['model/part', 'soup', 'result', last]) writeFileSync(join(staging, name), text);
    return { value: text, entries: ['model', 'soup', 'result', last], replaced: ['result', 'old'] };
  });

const NAMES = ['lock', 'model', 'result', 'soup'];

test('all appear, in place of earlier ones and of what they replace, and nothing else is left', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'old'), '0');
  writeFileSync(join(folder, 'other'), '0');
  for (const text of ['1', '2']) expect(await writing(folder, text)).toBe(text);
  expect(readdirSync(folder).sort()).toEqual([...NAMES, 'other'].sort());
  for (const name of ['model/part', 'soup', 'result', 'lock'])
    expect(readFileSync(join(folder, name), 'utf8')).toBe('2');
});

test.each([
  ['a folder in the place of a file', (folder: string) => mkdirSync(join(folder, 'result'))],
  ['a file in the place of a folder', (folder: string) => writeFileSync(join(folder, 'model'), '')],
])('%s leaves everything as it was', async (_, spoil) => {
  const folder = newFolder();
  writeFileSync(join(folder, 'lock'), 'old');
  writeFileSync(join(folder, 'soup'), 'old');
  spoil(folder);
  const before = readdirSync(folder);
  expect(await refusal(writing(folder, 'new'), 'FILE')).toMatch(
    /^Expected to write a .* but found something else: .*out/,
  );
  expect(readdirSync(folder)).toEqual(before);
  expect([readFileSync(join(folder, 'lock'), 'utf8'), readFileSync(join(folder, 'soup'), 'utf8')]).toEqual([
    'old',
    'old',
  ]);
});

test('an error of what fills names the place that the user knows', async () => {
  const folder = newFolder();
  const failing = writeTogether(folder, async (staging) => {
    writeFileSync(join(staging, 'missing', 'file'), '');
    return { value: 0, entries: [], replaced: [] };
  });
  await expect(failing).rejects.toThrow(/write to the folder .*out but found: no such file/);
  expect(readdirSync(folder)).toEqual([]);
});

test('a process that is killed at any moment leaves no files that contradict each other', async () => {
  const folder = newFolder();
  const built = fileURLToPath(new URL('../../dist/formats/index.js', import.meta.url));
  const program = `
    import { writeFileSync, mkdirSync } from 'node:fs';
    import { join } from 'node:path';
    const { writeTogether } = await import(${JSON.stringify(built)});
    console.log('ready');
    for (let generation = Number(process.argv[2]); ; generation++) await writeTogether(process.argv[1], async (staging) => {
      mkdirSync(join(staging, 'model'));
      for (const name of ['model/part', 'soup', 'result', 'lock']) writeFileSync(join(staging, name), String(generation));
      return { value: 0, entries: ['model', 'soup', 'result', 'lock'], replaced: ['result'] };
    });`;
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  for (let kill = 0; kill < 8; kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder, String(1000 * kill)]);
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 3 + 7 * kill));
    child.kill('SIGKILL');
    await once(child, 'close');
    const [lock, result, soup, part] = ['lock', 'result', 'soup', 'model/part'].map(read);
    if (lock !== undefined) expect([result, soup, part]).toEqual([lock, lock, lock]);
    if (result !== undefined) expect([soup, part]).toEqual([result, result]);
  }
});
