import { truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { afterEach, expect, test } from 'vitest';
import { averageSoups, Mixture, Soup, type SoupPart } from '../../src/mixture/index.js';
import {
  type Checkpoint,
  closeCheckpoints,
  type FileCheckpoint,
  openCheckpoints,
  Pool,
  readTensors,
} from '../../src/pool/index.js';
import { draw, f32, numbers, readOnlyPool, refused, temporaryFolder, tensor, writeModel } from '../pools.js';

const folder = temporaryFolder();
const backend = openBackend('auto');
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

const LENGTH = 70_001;
const next = numbers(11);
const models = [0, 1, 2, 3].map(() => ({
  count: tensor('I64', [1], BigInt64Array.of(3n)),
  half: tensor('F16', [3], Uint16Array.of(0x3c00, 0x4000 + Math.round(100 * next()), 0x8000)),
  weight: f32([LENGTH], draw(next, LENGTH)),
}));

async function poolOf(name: string, tensors: readonly (typeof models)[number][] = models): Promise<Pool> {
  const paths = tensors.map((one, index) => writeModel(join(folder, `${name}-${'abcd'[index]}.safetensors`), one));
  const checkpoints = await openCheckpoints(await Promise.all(paths));
  opened.push(...checkpoints);
  return new Pool(checkpoints);
}

/** All tensors of the pool, whole, for so many soups. */
function wholeParts(pool: Pool, soups: number): SoupPart[] {
  return pool.tensors.map((info) => ({
    tensor: info,
    byteOffset: 0,
    outputs: Array.from({ length: soups }, () => new Uint8Array(info.byteLength)),
  }));
}

const mixtures = [
  Mixture.uniform(4, [0, 1, 2]),
  Mixture.uniform(4, [3]),
  Mixture.of([0.1, 0, 0.2, 0.7]),
  Mixture.uniform(4, [0, 1, 2, 3]),
];

test('several soups in one pass are each what it is alone, from files and from other checkpoints', async () => {
  const pool = await poolOf('pass');
  // A checkpoint that is in no file: it can only be read.
  const [first, ...others] = pool.checkpoints as [Checkpoint, ...Checkpoint[]];
  const unfiled: Checkpoint = { id: first.id, tensors: first.tensors, read: first.read.bind(first) };
  for (const used of [pool, new Pool([unfiled, ...others])]) {
    const parts = wholeParts(used, mixtures.length);
    await averageSoups(used, mixtures, parts, backend);
    for (const [s, mixture] of mixtures.entries()) {
      const soup = new Soup(pool, mixture, openBackend('reference'));
      for (const { tensor: info, outputs } of parts) {
        const expected = new Uint8Array(info.byteLength);
        await soup.read(info.name, expected);
        expect(Buffer.compare(outputs[s] as Uint8Array, expected), `${mixture.key} ${info.name}`).toBe(0);
      }
    }
  }
});

test('tensors of a soup read together are those read one by one', async () => {
  const pool = await poolOf('together');
  const soup = new Soup(pool, Mixture.uniform(4, [1, 3]), backend);
  for (const checkpoint of [soup, pool.checkpoints[0] as Checkpoint]) {
    const reads = [
      { name: 'weight', target: new Uint8Array(400), byteOffset: 4_000 },
      { name: 'half', target: new Uint8Array(6) },
      { name: 'count', target: new Uint8Array(8) },
    ];
    await readTensors(checkpoint, reads);
    for (const { name, target, byteOffset } of reads) {
      const expected = new Uint8Array(target.byteLength);
      await checkpoint.read(name, expected, byteOffset);
      expect(target).toEqual(expected);
    }
  }
  const aborted = { signal: AbortSignal.abort(new Error('enough')) };
  await expect(readTensors(soup, [], aborted)).rejects.toThrow('enough');
});

test('a NaN in a later window is refused with its place in the tensor, in files and in other checkpoints', async () => {
  const values = draw(next, LENGTH);
  values[LENGTH - 2] = Number.NaN;
  const pool = await poolOf('nan', [models[0], { ...models[1], weight: f32([LENGTH], values) }] as typeof models);
  const read = (from: Pool) =>
    new Soup(from, Mixture.uniform(2, [0, 1]), backend).read('weight', new Uint8Array(400), 4 * LENGTH - 400);
  const place = new RegExp(`found NaN in .*nan-b\\.safetensors, tensor "weight", element ${LENGTH - 2}$`);
  await expect(read(pool)).rejects.toEqual(refused('POOL', place));
  const unchecked: Checkpoint = {
    id: 'other',
    tensors: pool.tensors,
    read: async (_, target) => void target.set(new Uint8Array(new Float32Array(100).fill(Number.NaN).buffer)),
  };
  await expect(read(new Pool([pool.checkpoints[0] as Checkpoint, unchecked]))).rejects.toEqual(
    refused('POOL', new RegExp(`NaN in model "other", tensor "weight", element ${LENGTH - 100}$`)),
  );
});

test('a file that has become shorter is refused, naming file and tensor as a plain read does', async () => {
  const pool = await poolOf('short');
  const file = pool.checkpoints[2] as FileCheckpoint;
  truncateSync(file.path, 4 * LENGTH);
  const soup = new Soup(pool, Mixture.uniform(4, [0, 2]), backend);
  const ended = refused(
    'FILE',
    /bytes or more but found the end of the file after \d+ in .*short-c.*, tensor "weight"$/,
  );
  await expect(soup.read('weight', new Uint8Array(4 * LENGTH))).rejects.toEqual(ended);
  const plain = await file.read('weight', new Uint8Array(4 * LENGTH)).catch((error: Error) => error.message);
  await expect(soup.read('weight', new Uint8Array(4 * LENGTH))).rejects.toThrow(plain as string);
});

test('a file that changes while it is read is refused with its name', async () => {
  const pool = await poolOf('change');
  const [, b] = pool.checkpoints as [FileCheckpoint, FileCheckpoint];
  const many = Array.from({ length: 2_000 }, () => ({ name: 'weight', target: new Uint8Array(4 * LENGTH) }));
  let time = 0;
  const timer = setInterval(() => utimesSync(b.path, ++time, time), 2);
  const soup = new Soup(pool, Mixture.uniform(4, [0, 1]), backend);
  const reading = soup.readAll(many).finally(() => clearInterval(timer));
  await expect(reading).rejects.toEqual(refused('FILE', /a change while it was read: .*change-b.*, tensor "weight"$/));
});

test('what can only be read is averaged a few MiB of all models at a time, and its NaN found where they are', async () => {
  const [count, length, broken] = [9, 2 ** 19 + 5, 7];
  const { pool: used, largest, weights } = readOnlyPool(count, length);
  const all = [Mixture.uniform(count, [...weights.keys()])];
  const parts = wholeParts(used, 1);
  await averageSoups(used, all, parts, backend);
  for (const { tensor: info, outputs } of parts) {
    const expected = (weights[4] as Float32Array).subarray(0, info.byteLength / 4);
    expect(Buffer.compare(outputs[0] as Uint8Array, new Uint8Array(expected.buffer, 0, info.byteLength))).toBe(0);
  }
  expect(largest() * count).toBeLessThanOrEqual(16 * 2 ** 20);
  (weights[broken] as Float32Array)[length - 2] = Number.NaN;
  await expect(averageSoups(used, all, wholeParts(used, 1), backend)).rejects.toEqual(
    refused('POOL', new RegExp(`found NaN in model "m${broken}", tensor "large", element ${length - 2}`)),
  );
});
