import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../src/formats/index.js';
import { temporaryFolder } from '../pools.js';

const folder = temporaryFolder();

it('makes a folder with its parents, and is content with one that is there', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await makeFolder(path);
  await Promise.all([makeFolder(path), makeFolder(join(path, 'd', 'e')), makeFolder(join(path, 'd', 'f'))]);
  expect(statSync(join(path, 'd', 'e')).isDirectory()).toBe(true);
});

it('fails where a file is in the way', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(makeFolder(join(folder, 'file'))).rejects.toThrow('EEXIST');
  await expect(makeFolder(join(folder, 'file', 'x', 'y'))).rejects.toThrow('ENOTDIR');
});

it.runIf(existsSync('/proc/self'))('fails where the parent takes no folders, and does not try for ever', async () => {
  await expect(makeFolder('/proc/radin/x')).rejects.toThrow('ENOENT');
});
