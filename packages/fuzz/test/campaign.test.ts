import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { minimise } from '../src/minimise.js';
import { scratchFolder } from '../src/mutant-files.js';
import { difference } from '../src/peer.js';
import type { Reader } from '../src/reader.js';

const folder = scratchFolder();
afterAll(() => rmSync(folder, { recursive: true }));

test('a finding is cut to what it takes', async () => {
  const path = join(folder, 'finding');
  mkdirSync(path);
  writeFileSync(join(path, 'x'), 'much that does not matter and a bug in the middle of it');
  const reader: Reader = {
    name: 'x',
    mutate: () => ({}),
    read: async (where) => {
      if (readFileSync(join(where, 'x'), 'utf8').includes('bug')) throw new TypeError('a bug');
      return undefined;
    },
  };
  await minimise(reader, path);
  expect(readFileSync(join(path, 'x'), 'utf8')).toBe('bug');
  expect(readFileSync(join(path, 'original/x'), 'utf8')).toHaveLength(55);
});

test('other names, types, shapes or bytes than another program reads are told, another order is not', () => {
  const tensor = { name: 'w', dtype: 'F32', shape: [2, 3], sha256: 'aa' };
  const other = { ...tensor, name: 'v' };
  expect(difference([tensor, other], [other, tensor])).toBeUndefined();
  for (const changed of [
    other,
    { ...tensor, dtype: 'I32' },
    { ...tensor, shape: [3, 2] },
    { ...tensor, sha256: 'bb' },
  ]) {
    expect(difference([tensor], [changed])).toContain('and not');
  }
  expect(difference([tensor], [])).toContain('and not');
});
