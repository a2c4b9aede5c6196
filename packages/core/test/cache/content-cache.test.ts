import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CacheKey,
  ContentCache,
  cacheKey,
  listEntries,
  pruneEntries,
  verifyEntries,
} from '../../src/cache/index.js';
import { refused, temporaryFolder } from '../files.js';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'cache-'));
const entryOf = (folder: string, { name }: CacheKey) => join(folder, 'entries', `${name}.entry`);
const MOST = 2 ** 20;
const KEY = cacheKey('logits', { model: 'a', batch: 64 });
const PAYLOAD = Uint8Array.from({ length: 50 }, (_, at) => 5 * at);

test('what is written is read again, by another cache on the same folder too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.string({ unit: 'grapheme' }), async (payload, text) => {
      const folder = newFolder();
      const key = cacheKey('logits', { text });
      await (await ContentCache.open(folder)).write(key, payload);
      expect(await (await ContentCache.open(folder)).read(key, MOST)).toEqual(payload);
      expect(
        await (await ContentCache.open(folder)).read(cacheKey('logits', { text: `${text}.` }), MOST),
      ).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test('a result of many windows is read as it was written, and not where it is larger than expected', async () => {
  const cache = await ContentCache.open(newFolder());
  const payload = Uint8Array.from({ length: 9 * 2 ** 20 + 3 }, (_, at) => at % 251);
  await cache.write(KEY, payload);
  expect(Buffer.compare((await cache.read(KEY, payload.length)) as Uint8Array, payload)).toBe(0);
  expect(await cache.read(KEY, payload.length - 1)).toBeUndefined();
  expect(await verifyEntries(cache.folder)).toEqual({ sound: 1, damaged: [] });
});

test('a key does not depend on the order of its parts, and on each of them', () => {
  const key = cacheKey('logits', { a: 1, b: ['x', 'y'], c: { d: true, e: 0.1 } });
  expect(cacheKey('logits', { c: { e: 0.1, d: true }, b: ['x', 'y'], a: 1 })).toEqual(key);
  const others = [
    cacheKey('evaluations', { a: 1, b: ['x', 'y'], c: { d: true, e: 0.1 } }),
    cacheKey('logits', { a: '1', b: ['x', 'y'], c: { d: true, e: 0.1 } }),
    cacheKey('logits', { a: 1, b: ['y', 'x'], c: { d: true, e: 0.1 } }),
    cacheKey('logits', { a: 1, b: ['x', 'y'], c: { d: true, e: 0.1 + 2 ** -55 } }),
    cacheKey('logits', { a: 1, b: ['x', 'y'] }),
  ];
  expect(new Set([key, ...others].map(({ name }) => name)).size).toBe(others.length + 1);
});

test('an entry with any byte changed, cut off anywhere or too long is as if it were not there, and is replaced', async () => {
  const cache = await ContentCache.open(newFolder());
  const path = entryOf(cache.folder, KEY);
  await cache.write(KEY, PAYLOAD);
  const sound = readFileSync(path);
  const damaged = [
    ...[...sound.keys()].flatMap((at) =>
      [1, 128].map((mask) => sound.map((byte, index) => (index === at ? byte ^ mask : byte))),
    ),
    ...[...sound.keys()].map((length) => sound.subarray(0, length)),
    Buffer.concat([sound, Buffer.of(0)]),
    Buffer.concat([sound, sound]),
  ];
  for (const bytes of damaged) {
    writeFileSync(path, bytes);
    expect(await cache.read(KEY, MOST)).toBeUndefined();
    expect((await verifyEntries(cache.folder)).damaged).toEqual([KEY.name]);
  }
  writeFileSync(path, damaged[0] as Uint8Array);
  await cache.write(KEY, PAYLOAD);
  expect(await cache.read(KEY, MOST)).toEqual(PAYLOAD);
});

test('another entry under the name, a folder, a pipe and nothing at all are no entry', async () => {
  const cache = await ContentCache.open(newFolder());
  const other = cacheKey('logits', { model: 'b', batch: 64 });
  const path = entryOf(cache.folder, KEY);
  expect(await cache.read(KEY, MOST)).toBeUndefined();
  await cache.write(other, PAYLOAD);
  copyFileSync(entryOf(cache.folder, other), path);
  expect(await cache.read(KEY, MOST)).toBeUndefined();
  expect(await verifyEntries(cache.folder)).toEqual({ sound: 1, damaged: [KEY.name] });
  execFileSync('mkfifo', [path]);
  expect(await cache.read(KEY, MOST)).toBeUndefined();
});

test.each([
  ['a folder', (path: string) => mkdirSync(path)],
  ['a folder with something in it', (path: string) => mkdirSync(join(path, 'more'), { recursive: true })],
  ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
])('%s in place of an entry is replaced, and is damage to who verifies', async (_, putAt) => {
  const cache = await ContentCache.open(newFolder(), { onFailure: () => expect.unreachable() });
  const path = entryOf(cache.folder, KEY);
  putAt(path);
  expect(await cache.read(KEY, MOST)).toBeUndefined();
  expect(await cache.has(KEY)).toBe(false);
  await cache.write(KEY, PAYLOAD);
  expect(await cache.read(KEY, MOST)).toEqual(PAYLOAD);
  rmSync(path);
  putAt(path);
  expect(await verifyEntries(cache.folder)).toEqual({ sound: 0, damaged: [KEY.name] });
  expect(await listEntries(cache.folder)).toEqual([]);
});

test('a link in place of an entry is replaced, and what it leads to stays as it is', async () => {
  const cache = await ContentCache.open(newFolder());
  const mine = join(cache.folder, 'mine.txt');
  writeFileSync(mine, 'a file of the user');
  symlinkSync(mine, entryOf(cache.folder, KEY));
  expect(await cache.read(KEY, MOST)).toBeUndefined();
  await cache.write(KEY, PAYLOAD);
  expect(readFileSync(mine, 'utf8')).toBe('a file of the user');
  expect(await cache.read(KEY, MOST)).toEqual(PAYLOAD);
});

test('a folder that cannot be one is refused', async () => {
  const file = join(newFolder(), 'file');
  writeFileSync(file, '');
  await expect(ContentCache.open(join(file, 'cache'))).rejects.toEqual(
    refused('FILE', /^Expected to write to the cache folder .*file\/cache but found: not a directory \(ENOTDIR\)$/),
  );
});

test('the first entry that cannot be written is told of, once, and no other is tried', async () => {
  const failures: string[] = [];
  const cache = await ContentCache.open(newFolder(), { onFailure: (message) => failures.push(message) });
  const other = cacheKey('logits', { model: 'b' });
  await cache.write(other, PAYLOAD);
  const entries = join(cache.folder, 'entries');
  renameSync(entries, `${entries}.kept`);
  writeFileSync(entries, 'a file in place of the folder');
  await Promise.all([cache.write(KEY, PAYLOAD), cache.write(KEY, PAYLOAD)]);
  rmSync(entries);
  renameSync(`${entries}.kept`, entries);
  await cache.write(cacheKey('logits', { model: 'c' }), PAYLOAD);
  expect(failures).toEqual([expect.stringMatching(/^Expected to write .*\.entry but found: not a directory .*$/)]);
  expect(readdirSync(entries)).toEqual([`${other.name}.entry`]);
  expect(await cache.read(other, MOST)).toEqual(PAYLOAD);
});

test('a folder that can only be read is read, and told of', async () => {
  const folder = newFolder();
  await (await ContentCache.open(folder)).write(KEY, PAYLOAD);
  rmSync(join(folder, 'CACHEDIR.TAG'));
  const isRoot = process.getuid?.() === 0;
  const nobody = 65_534;
  if (isRoot) for (const path of [root, folder, entryOf(folder, KEY)]) chownSync(path, nobody, nobody);
  for (const path of [join(folder, 'entries'), folder]) chmodSync(path, 0o555);
  const failures: string[] = [];
  // Root may write everywhere.
  if (isRoot) process.seteuid?.(nobody);
  try {
    const cache = await ContentCache.open(folder, { onFailure: (message) => failures.push(message) });
    expect(await cache.read(KEY, MOST)).toEqual(PAYLOAD);
    await cache.write(cacheKey('logits', { model: 'c' }), PAYLOAD);
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const path of [join(folder, 'entries'), folder]) chmodSync(path, 0o755);
  }
  expect(failures).toEqual([expect.stringMatching(/^Expected to write .* but found: permission denied \(EACCES\)$/)]);
  expect(await listEntries(folder)).toHaveLength(1);
});

test('entries are listed by their last use, and the least recently used are pruned first', async () => {
  const cache = await ContentCache.open(newFolder());
  const keys = [10, 20, 30, 40].map((length) => cacheKey(length < 30 ? 'logits' : 'evaluations', { length }));
  const bytes: number[] = [];
  for (const [index, key] of keys.entries()) {
    await cache.write(key, new Uint8Array(1000 * (index + 1)));
    utimesSync(entryOf(cache.folder, key), 100 * (index + 1), 100 * (index + 1));
    bytes.push(readFileSync(entryOf(cache.folder, key)).length);
  }
  const names = (of: readonly { readonly name: string }[]) =>
    of.map(({ name }) => keys.findIndex((key) => key.name === name));
  const entries = await listEntries(cache.folder);
  expect(names(entries)).toEqual([3, 2, 1, 0]);
  expect(entries[3]).toEqual({ name: keys[0]?.name, kind: 'logits', bytes: bytes[0], lastUse: 100_000 });
  expect(entries[0]?.kind).toBe('evaluations');
  expect(names(await pruneEntries(cache.folder, { usedBefore: 150_000 }))).toEqual([0]);
  await cache.read(keys[1] as CacheKey, MOST);
  expect(names(await listEntries(cache.folder))).toEqual([1, 3, 2]);
  const [, second, , fourth] = bytes as [number, number, number, number];
  expect(names(await pruneEntries(cache.folder, { mostBytes: second + fourth }))).toEqual([2]);
  expect(names(await pruneEntries(cache.folder, { mostBytes: 0 }))).toEqual([1, 3]);
  expect(await listEntries(cache.folder)).toEqual([]);
});

test('files that are no entries stay where they are, except those that a process left unfinished long ago', async () => {
  const cache = await ContentCache.open(newFolder());
  const entries = join(cache.folder, 'entries');
  for (const name of ['notes.txt', '.radin-00ff.tmp', '.radin-00fe.tmp']) writeFileSync(join(entries, name), 'x');
  utimesSync(join(entries, '.radin-00ff.tmp'), 1000, 1000);
  expect(await listEntries(cache.folder)).toEqual([]);
  expect(await verifyEntries(cache.folder)).toEqual({ sound: 0, damaged: [] });
  await pruneEntries(cache.folder, { mostBytes: 0 });
  expect(readdirSync(entries).sort()).toEqual(['.radin-00fe.tmp', 'notes.txt']);
  expect(await listEntries(join(root, 'not there'))).toEqual([]);
});
