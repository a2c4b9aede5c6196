import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  openSafetensors,
  openSafetensorsModel,
  safetensorsFiles,
  type TensorInfo,
  writeShardedSafetensors,
} from '../../src/formats/index.js';
import { f32, refused, type TensorData, temporaryFolder, writeModel } from '../files.js';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'f'));

const TENSORS: Readonly<Record<string, TensorData>> = {
  a: f32([2, 3], [1, 2, 3, 4, 5, 6]),
  b: f32([4], [7, 8, 9, 10]),
  c: f32([], [11]),
};
const INDEX = 'model.safetensors.index.json';
const MAP = { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-2.safetensors' };

/** A model in two shards; `index` replaces the text of the index. */
async function sharded(index: unknown = { metadata: { total_size: 44 }, weight_map: MAP }): Promise<string> {
  const folder = newFolder();
  const { a, b, c } = TENSORS as Record<'a' | 'b' | 'c', TensorData>;
  await writeModel(join(folder, 'model-1.safetensors'), { a }, { format: 'pt', part: '1' });
  await writeModel(join(folder, 'model-2.safetensors'), { b, c }, { format: 'pt', part: '2' });
  writeFileSync(join(folder, INDEX), typeof index === 'string' ? index : JSON.stringify(index));
  return join(folder, INDEX);
}

async function contents(path: string): Promise<Record<string, Uint8Array>> {
  const file = await openSafetensorsModel(path);
  try {
    const read = async ({ name, byteLength }: TensorInfo) => {
      const bytes = new Uint8Array(byteLength);
      await file.read(name, bytes);
      return [name, bytes] as const;
    };
    return Object.fromEntries(await Promise.all(file.tensors.map(read)));
  } finally {
    await file.close();
  }
}

const EXPECTED = Object.fromEntries(Object.entries(TENSORS).map(([name, { bytes }]) => [name, bytes]));

describe('a model in shards', () => {
  test('reads as one file, in the order of its shards, with the metadata that they share', async () => {
    const path = await sharded();
    expect(await contents(path)).toEqual(EXPECTED);
    const file = await openSafetensorsModel(path);
    expect(file.tensors.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(file.metadata).toEqual(new Map([['format', 'pt']]));
    expect(() => file.range('d')).toThrow(RangeError);
    await file.close();
  });

  test('has a stamp that changes with any shard', async () => {
    const path = await sharded();
    const file = await openSafetensorsModel(path);
    const before = await file.stamp();
    expect(await file.stamp()).toBe(before);
    const shard = join(dirname(path), 'model-2.safetensors');
    writeFileSync(shard, readFileSync(shard));
    expect(await file.stamp()).not.toBe(before);
    await file.close();
  });

  test('consists of its index and its shards', async () => {
    const path = await sharded();
    const names = [INDEX, 'model-1.safetensors', 'model-2.safetensors'];
    expect(await safetensorsFiles(path)).toEqual(names.map((name) => join(dirname(path), name)));
  });
});

describe('an index is refused that', () => {
  const map = (shard: string) => ({ weight_map: { ...MAP, a: shard } });
  test.each<[string, unknown, RegExp]>([
    [
      'leads to another folder',
      map('../model-1.safetensors'),
      /safetensors file in the same folder but found "\.\.\/model-1/,
    ],
    ['has an absolute path', map('/etc/x.safetensors'), /same folder but found "\/etc\/x/],
    ['has a path of Windows', map('..\\x.safetensors'), /same folder but found "\.\.\\\\x/],
    ['names a device of Windows', map('c:x.safetensors'), /same folder but found "c:x/],
    ['names no safetensors file', map('model.bin'), /same folder but found "model\.bin"/],
    ['names nothing', map(''), /same folder but found ""/],
    ['names a number', { weight_map: { a: 1 } }, /same folder but found something else/],
    ['has a NUL', map('a\0.safetensors'), /same folder/],
    ['names a missing shard', map('model-3.safetensors'), /model-3\.safetensors but found: no such file/],
    [
      'has a tensor twice',
      '{"weight_map": {"a": "model-1.safetensors", "a": "model-2.safetensors"}}',
      /this one is there twice/,
    ],
    [
      'lies about the size',
      { metadata: { total_size: 45 }, weight_map: MAP },
      /45 bytes of tensors, .*total_size, but found 44/,
    ],
    ['has a negative size', { metadata: { total_size: -1 }, weight_map: MAP }, /total_size to be a number of bytes/],
    [
      'lacks a tensor of a shard',
      { weight_map: { a: MAP.a, b: MAP.b } },
      /tensor "c" in no shard but found it in .*model-2/,
    ],
    [
      'has a tensor too many',
      { weight_map: { ...MAP, d: MAP.a } },
      /"d" in the shard "model-1\.safetensors", .* found none/,
    ],
    [
      'has a tensor in the wrong shard',
      { weight_map: { ...MAP, c: MAP.a } },
      /"c" in "model-1\.safetensors" only but found it in/,
    ],
    ['has no map', {}, /a weight_map/],
    ['has an empty map', { weight_map: {} }, /a weight_map/],
    ['is a list', [], /an object with a weight_map/],
    ['is no JSON', 'PK', /Expected JSON in .*index\.json/],
  ])('%s', async (_, index, message) => {
    await expect(openSafetensorsModel(await sharded(index))).rejects.toEqual(
      expect.objectContaining({ name: 'RadinError', message: expect.stringMatching(message) }),
    );
  });

  test('reaches files through links: out of the folder, or one file twice', async () => {
    const path = await sharded(map('link.safetensors'));
    const folder = dirname(path);
    const elsewhere = await sharded();
    symlinkSync(join(dirname(elsewhere), 'model-1.safetensors'), join(folder, 'link.safetensors'));
    await expect(openSafetensorsModel(path)).rejects.toEqual(refused('FILE', /a link out of it: .*link\.safetensors/));
    rmSync(join(folder, 'link.safetensors'));
    symlinkSync('model-2.safetensors', join(folder, 'link.safetensors'));
    await expect(openSafetensorsModel(path)).rejects.toEqual(
      refused('FORMAT', /different shards but found .*one file/),
    );
    rmSync(join(folder, 'link.safetensors'));
    symlinkSync('model-1.safetensors', join(folder, 'link.safetensors'));
    expect(await contents(path)).toEqual(EXPECTED);
  });

  test('has two shards with one tensor', async () => {
    const path = await sharded();
    await writeModel(join(dirname(path), 'model-1.safetensors'), { a: TENSORS.a, b: TENSORS.b } as typeof TENSORS);
    await expect(openSafetensorsModel(path)).rejects.toEqual(refused('FORMAT', /"b" in "model-2\.safetensors" only/));
  });
});

describe('a model written in shards', () => {
  const infos = Object.entries(TENSORS).map(([name, { dtype, shape, bytes }]) => ({
    name,
    dtype,
    shape,
    byteLength: bytes.length,
  }));
  const metadata = new Map([['radin', '{"models":["a"]}']]);
  const write = (folder: string, most: number, options = {}) =>
    writeShardedSafetensors(
      join(folder, 'soup.safetensors'),
      infos,
      metadata,
      ({ name }, sink) => sink(TENSORS[name]?.bytes as Uint8Array),
      most,
      options,
    );
  const names = ['soup-00001-of-00002.safetensors', 'soup-00002-of-00002.safetensors', 'soup.safetensors.index.json'];

  test('has the names of Hugging Face, no shard above the limit, and reads as it was', async () => {
    const folder = newFolder();
    const written = await write(folder, 24);
    expect(readdirSync(folder).sort()).toEqual(names);
    expect(written).toMatchObject({ path: join(folder, names[2] as string), shards: names.slice(0, 2) });
    expect(written.bytes).toBe(names.reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0));
    expect(await contents(written.path)).toEqual(EXPECTED);
    const index = JSON.parse(readFileSync(written.path, 'utf8'));
    expect(index.metadata.total_size).toBe(44);
    expect(index.weight_map).toEqual({ a: names[0], b: names[1], c: names[1] });
  });

  test('gives a tensor that is larger than the limit a shard of its own', async () => {
    expect((await write(newFolder(), 1)).shards).toHaveLength(3);
  });

  test('is one file where it fits', async () => {
    const folder = newFolder();
    const written = await write(folder, 44);
    expect(readdirSync(folder)).toEqual(['soup.safetensors']);
    expect(written).not.toHaveProperty('shards');
    expect(await contents(written.path)).toEqual(EXPECTED);
  });

  test('replaces an earlier one of ours whole, whichever form it had', async () => {
    const folder = newFolder();
    await write(folder, 1);
    await write(folder, 24);
    expect(readdirSync(folder).sort()).toEqual(names);
    await write(folder, 100);
    expect(readdirSync(folder)).toEqual(['soup.safetensors']);
    await write(folder, 24);
    expect(readdirSync(folder).sort()).toEqual(names);
    writeFileSync(join(folder, 'soup-00009-of-00009.safetensors'), 'not ours');
    await write(folder, 100);
    expect(readdirSync(folder).sort()).toEqual(['soup-00009-of-00009.safetensors', 'soup.safetensors']);
  });

  test('leaves everything as it was where it fails or is aborted while it is written', async () => {
    const folder = newFolder();
    await write(folder, 24);
    const before = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    const broken = writeShardedSafetensors(
      join(folder, 'soup.safetensors'),
      infos,
      metadata,
      ({ name }, sink) => (name === 'b' ? Promise.reject(new Error('torn')) : sink(TENSORS[name]?.bytes as Uint8Array)),
      24,
    );
    await expect(broken).rejects.toThrow('torn');
    await expect(write(folder, 24, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    expect(readdirSync(folder).sort()).toEqual(names);
    expect(readdirSync(folder).map((name) => readFileSync(join(folder, name)))).toEqual(before);
  });

  test('leaves no model, and no part of one, where a file cannot take its place', async () => {
    const folder = newFolder();
    await write(folder, 24);
    const broken = writeShardedSafetensors(
      join(folder, 'soup.safetensors'),
      infos,
      metadata,
      async ({ name }, sink) => {
        await sink(TENSORS[name]?.bytes as Uint8Array);
        // After the paths were checked, and while the last shard is written.
        if (name === 'c') mkdirSync(join(folder, 'soup-00003-of-00003.safetensors'));
      },
      1,
    );
    await expect(broken).rejects.toEqual(refused('FILE', /soup-00003-of-00003\.safetensors/));
    expect(readdirSync(folder)).toEqual(['soup-00003-of-00003.safetensors']);
  });

  test('is refused before anything is touched where a folder has a shard’s name', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, names[1] as string));
    await expect(write(folder, 24)).rejects.toEqual(refused('FILE', /a regular file but found something else/));
    expect(readdirSync(folder)).toEqual([names[1]]);
  });

  test('keeps to names that the suffix fits', async () => {
    const path = join(newFolder(), 'soup.bin');
    await expect(writeShardedSafetensors(path, infos, metadata, async () => {}, 1)).rejects.toEqual(
      refused('CONFIG', /to end in \.safetensors/),
    );
  });

  test('shards are safetensors files of their own', async () => {
    const folder = newFolder();
    await write(folder, 24);
    const shard = await openSafetensors(join(folder, names[1] as string));
    expect(shard.tensors.map(({ name }) => name)).toEqual(['b', 'c']);
    expect(shard.metadata).toEqual(metadata);
    await shard.close();
  });
});
