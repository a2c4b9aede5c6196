import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFileAtomically, writeTextAtomically } from '../../src/formats/atomic-file.js';
import { refusal, scratch } from './scratch.js';

test('a written text is there, and nothing else', async () => {
  const path = scratch('result.json');
  await writeTextAtomically(path, '{"é": 1}\n');
  expect(readFileSync(path, 'utf8')).toBe('{"é": 1}\n');
  expect(readdirSync(dirname(path))).toEqual(['result.json']);
});

test.each([
  [
    'an error',
    (): never => {
      throw new TypeError('a bug');
    },
    TypeError,
  ],
  [
    'a system error',
    (): never => {
      throw Object.assign(new Error('full'), { errno: -28, code: 'ENOSPC' });
    },
    /Expected to write .*no space left on device \(ENOSPC\)/,
  ],
])('%s while writing leaves the old file', async (_, fail, expected) => {
  const path = scratch('old.txt');
  writeFileSync(path, 'old');
  const writing = writeFileAtomically(path, async (sink) => {
    await sink.write(new Uint8Array(10));
    fail();
  });
  await expect(writing).rejects.toThrow(expected as RegExp);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(dirname(path))).toEqual(['old.txt']);
});

test('aborting leaves no file', async () => {
  const path = scratch('new.txt');
  const abort = new AbortController();
  const writing = writeFileAtomically(
    path,
    async (sink) => {
      await sink.write(new Uint8Array(1));
      abort.abort(new Error('stop'));
      await sink.write(new Uint8Array(1));
    },
    { signal: abort.signal },
  );
  await expect(writing).rejects.toThrow('stop');
  expect(readdirSync(dirname(path))).toEqual([]);
});

test('a link is followed, so that it stays a link', async () => {
  const path = scratch('target.txt');
  const link = join(dirname(path), 'link.txt');
  writeFileSync(path, 'old');
  symlinkSync('target.txt', link);
  await writeTextAtomically(link, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readlinkSync(link)).toBe('target.txt');
});

test('what is no regular file is not replaced', async () => {
  const folder = scratch('folder');
  mkdirSync(folder);
  expect(await refusal(writeTextAtomically(folder, ''), 'FILE')).toContain('regular file');
  expect(await refusal(writeTextAtomically('/dev/null', ''), 'FILE')).toContain('regular file');
});

test('a missing folder is an error that names the path', async () => {
  const message = await refusal(writeTextAtomically(join(scratch('none'), 'a.txt'), ''), 'FILE');
  expect(message).toMatch(/none\/a\.txt but found: no such file or directory \(ENOENT\)/);
});
