import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { afterEach, expect, test } from 'vitest';
import { Mixture, Soup, writeSoup } from '../../src/mixture/index.js';
import { closeCheckpoints, FileCheckpoint, openCheckpoints, Pool } from '../../src/pool/index.js';
import { draw, f32, numbers, temporaryFolder, tensor, writeModel } from '../pools.js';

const folder = temporaryFolder();
const backend = openBackend('auto');
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

const LARGE = 1_100_000;
const next = numbers(8);
const models = [0, 1, 2].map(() => ({
  large: f32([LARGE], draw(next, LARGE)),
  half: tensor('F16', [2], Uint16Array.of(0x3c00, 0x4000 + Math.round(100 * next()))),
  count: tensor('I64', [], BigInt64Array.of(3n)),
  empty: f32([0, 4], []),
}));
const metadata = [
  { format: 'pt', architecture: 'tiny', epoch: '1' },
  { format: 'pt', architecture: 'tiny', epoch: '2', author: 'b' },
  { format: 'pt', architecture: 'other', epoch: '1' },
];
const paths = Promise.all(
  models.map((tensors, index) => writeModel(join(folder, `${'abc'[index]}.safetensors`), tensors, metadata[index])),
);

async function openPool(): Promise<Pool> {
  const checkpoints = await openCheckpoints(await paths);
  opened.push(...checkpoints);
  return new Pool(checkpoints);
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

async function reopen(path: string): Promise<FileCheckpoint> {
  const model = await FileCheckpoint.open('soup', path);
  opened.push(model);
  return model;
}

test('a written soup reads as the soup itself', async () => {
  const pool = await openPool();
  const soup = new Soup(pool, Mixture.uniform(3, [0, 1, 2]), backend);
  const path = join(folder, 'soup.safetensors');
  const written = await writeSoup(path, soup, pool);
  const file = readFileSync(path);
  expect(written).toEqual({ path, bytes: file.byteLength, sha256: createHash('sha256').update(file).digest('hex') });
  const model = await reopen(path);
  expect(model.tensors.map(({ name }) => name)).toEqual(['count', 'empty', 'large', 'half']);
  expect([...model.tensors].sort(byName)).toEqual([...soup.tensors].sort(byName));
  for (const { name, byteLength } of soup.tensors) {
    const [expected, found] = [new Uint8Array(byteLength), new Uint8Array(byteLength)];
    await soup.read(name, expected);
    await model.read(name, found);
    expect(Buffer.compare(found, expected), name).toBe(0);
  }
});

test('metadata that all ingredients share is kept, and the recipe of the soup is added', async () => {
  const pool = await openPool();
  const all = join(folder, 'all.safetensors');
  await writeSoup(all, new Soup(pool, Mixture.uniform(3, [0, 1, 2]), backend), pool);
  const { radin, ...others } = Object.fromEntries((await reopen(all)).metadata ?? []);
  expect(others).toEqual({ format: 'pt' });
  expect(JSON.parse(radin ?? '')).toEqual({ models: ['a', 'b', 'c'], weights: [1 / 3, 1 / 3, 1 / 3] });

  const two = join(folder, 'two.safetensors');
  await writeSoup(two, new Soup(pool, Mixture.of([0.25, 0, 0.75]), backend), pool);
  const { radin: weighted, ...shared } = Object.fromEntries((await reopen(two)).metadata ?? []);
  expect(shared).toEqual({ format: 'pt', epoch: '1' });
  expect(JSON.parse(weighted ?? '')).toEqual({ models: ['a', 'c'], weights: [0.25, 0.75] });
});

test('a soup that cannot be averaged, or is aborted, leaves no file', async () => {
  const pool = await openPool();
  const other = await writeModel(join(folder, 'd.safetensors'), {
    ...(models[0] as (typeof models)[0]),
    count: tensor('I64', [], BigInt64Array.of(4n)),
  });
  const odd = new Pool([...pool.checkpoints, await reopen(other)]);
  const before = readdirSync(folder);
  const target = join(folder, 'none.safetensors');
  await expect(writeSoup(target, new Soup(odd, Mixture.uniform(4, [0, 3]), backend), odd)).rejects.toThrow(
    /"count", I64/,
  );
  const soup = new Soup(pool, Mixture.uniform(3, [0, 1]), backend);
  const reason = new Error('enough');
  await expect(writeSoup(target, soup, pool, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(readdirSync(folder)).toEqual(before);
});
