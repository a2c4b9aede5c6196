import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RadinError } from '../../src/errors/index.js';
import { isAt, realPathAt } from '../../src/formats/index.js';
import { scratch } from './scratch.js';

it('nothing is where a name, or a folder above it, is missing or a file', async () => {
  const folder = scratch('');
  writeFileSync(join(folder, 'file'), '');
  expect(await isAt(join(folder, 'file'))).toBe(true);
  expect(await isAt(join(folder, 'none'))).toBe(false);
  expect(await isAt(join(folder, 'none/below'))).toBe(false);
  expect(await realPathAt(join(folder, 'file/below'))).toBeUndefined();
});

it('what the system cannot tell is an error and not nothing', async () => {
  const folder = scratch('');
  symlinkSync('loop', join(folder, 'loop'));
  mkdirSync(join(folder, 'sub'));
  await expect(isAt(join(folder, 'loop'))).rejects.toThrow(RadinError);
  await expect(realPathAt(join(folder, 'loop'))).rejects.toThrow(/loop but found: .*ELOOP/);
});
