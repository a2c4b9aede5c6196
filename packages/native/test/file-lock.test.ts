import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadAddon } from '../lib/addon.js';
import { lockFile } from '../lib/file-lock.js';

const folder = mkdtempSync(join(tmpdir(), 'radin-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('one open file has the lock until it is closed, also against others of its own process', () => {
  const [first, second] = [openSync(join(folder, 'a'), 'w+'), openSync(join(folder, 'a'), 'r')];
  const other = openSync(join(folder, 'b'), 'w');
  expect(lockFile(first)).toEqual({ kind: 'ours' });
  expect(lockFile(first)).toEqual({ kind: 'ours' });
  expect(lockFile(second)).toEqual({ kind: 'taken' });
  expect(lockFile(other)).toEqual({ kind: 'ours' });
  closeSync(first);
  expect(lockFile(second)).toEqual({ kind: 'ours' });
  closeSync(second);
  closeSync(other);
});

it('what cannot be locked is told with the reason', () => {
  const descriptor = openSync(join(folder, 'a'), 'r');
  closeSync(descriptor);
  expect(lockFile(descriptor)).toEqual({ kind: 'none', reason: 'the file system refuses it (EBADF)' });
});

it.each([-1, 0.5, 2 ** 31, '3' as unknown as number])('%s is no descriptor', (descriptor) => {
  expect(() => loadAddon().lockFile(descriptor)).toThrow(TypeError);
});
