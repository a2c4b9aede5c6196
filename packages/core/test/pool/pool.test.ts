import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { closeCheckpoints, type FileCheckpoint, modelId, openCheckpoints, Pool } from '../../src/pool/index.js';
import { f32, refused, type TensorData, temporaryFolder, tensor, writeModel } from '../pools.js';

const folder = temporaryFolder();
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

let folders = 0;
function ownFolder(): string {
  const own = join(folder, String(folders++));
  mkdirSync(own);
  return own;
}

/** Opens models of these tensors, called a, b, c … */
async function checkpoints(...models: Record<string, TensorData>[]): Promise<FileCheckpoint[]> {
  const own = ownFolder();
  const paths = await Promise.all(
    models.map((tensors, index) => writeModel(join(own, `${'abcdefgh'[index]}.safetensors`), tensors)),
  );
  opened.push(...(await openCheckpoints(paths)));
  return opened.slice(-models.length);
}

const W = f32([2, 3], [1, 2, 3, 4, 5, 6]);
const B = f32([3], [1, 2, 3]);
const plain = { w: W, b: B };

describe('a pool', () => {
  test('has the ids, size and tensors of its models, which may list them in any order', async () => {
    const pool = new Pool(await checkpoints(plain, { b: B, w: W }, plain));
    expect(pool.size).toBe(3);
    expect(pool.ids).toEqual(['a', 'b', 'c']);
    expect(pool.tensors).toEqual([
      { name: 'w', dtype: 'F32', shape: [2, 3], byteLength: 24 },
      { name: 'b', dtype: 'F32', shape: [3], byteLength: 12 },
    ]);
  });

  test('has at least one model', () => {
    expect(() => new Pool([])).toThrow(refused('POOL', /at least one model/));
  });

  test.each<[string, Record<string, TensorData>, RegExp]>([
    [
      'shape',
      { w: f32([3, 2], [1, 2, 3, 4, 5, 6]), b: B },
      /"w" to be F32 \[2, 3\] as in model a .* F32 \[3, 2\] in model b/,
    ],
    [
      'dtype',
      { w: W, b: tensor('F64', [3], new Float64Array(3)) },
      /"b" to be F32 \[3\] as in model a .* F64 \[3\] in model b/,
    ],
    ['missing tensor', { w: W }, /"b" \(F32 \[3\] in model a\) but found none of that name in model b/],
    ['additional tensor', { ...plain, c: B }, /no tensor "c", which model a does not have, .*F32 \[3\].* in model b/],
  ])('of models of another %s is refused, naming both sides', async (_, other, message) => {
    const models = await checkpoints(plain, other, plain);
    expect(() => new Pool(models)).toThrow(refused('POOL', message));
  });

  test('names the odd one out wherever it is, not the majority', async () => {
    const odd = { w: W };
    for (const [position, id] of ['a', 'b', 'c', 'd'].entries()) {
      const models = await checkpoints(...[0, 1, 2, 3].map((index) => (index === position ? odd : plain)));
      expect(() => new Pool(models)).toThrow(refused('POOL', new RegExp(`in model ${id}$`)));
    }
  });

  test('of two models that differ takes the first for the pool', async () => {
    const models = await checkpoints({ w: W }, plain);
    expect(() => new Pool(models)).toThrow(refused('POOL', /no tensor "b", which model a does not have.* in model b$/));
  });

  test('refuses two models of one id', async () => {
    const paths = await Promise.all(['x', 'y'].map(() => writeModel(join(ownFolder(), 'same.safetensors'), plain)));
    opened.push(...(await openCheckpoints(paths)));
    const models = [...opened];
    expect(() => new Pool(models)).toThrow(refused('POOL', /two models called "same"/));
  });
});

describe('a file', () => {
  test('gives its name without extension as the id', () => {
    expect(['/p/a.safetensors', 'b.v2.safetensors', '/p.q/c'].map(modelId)).toEqual(['a', 'b.v2', 'c']);
  });

  test('that is listed twice is refused, also under another path to it', async () => {
    const own = ownFolder();
    const path = await writeModel(join(own, 'a.safetensors'), plain);
    await expect(openCheckpoints([path, path])).rejects.toEqual(refused('POOL', /a\.safetensors" listed twice/));
    await expect(
      openCheckpoints([path, join(own, '.', '..', own.split('/').at(-1) as string, 'a.safetensors')]),
    ).rejects.toEqual(refused('POOL', /listed twice/));
    const link = join(own, 'link.safetensors');
    symlinkSync(path, link);
    await expect(openCheckpoints([path, link])).rejects.toEqual(
      refused('POOL', /link\.safetensors" listed twice \(also as ".*a\.safetensors"\)/),
    );
  });

  test('that is missing is named', async () => {
    const path = join(folder, 'none.safetensors');
    await expect(openCheckpoints([path])).rejects.toEqual(refused('FILE', new RegExp(path)));
  });
});

describe('a NaN weight is refused, naming file, tensor and element', () => {
  const nan: [TensorData['dtype'], ArrayBufferView][] = [
    ['F32', Float32Array.of(0, -1, Number.NEGATIVE_INFINITY, Number.NaN, 5)],
    ['F64', Float64Array.of(0, -1, Number.POSITIVE_INFINITY, Number.NaN, 5)],
    ['F16', Uint16Array.of(0, 0x8000, 0xfc00, 0xfc01, 5)],
    ['BF16', Uint16Array.of(0, 0x8000, 0xff80, 0x7f81, 5)],
  ];
  test.each(nan)('in a tensor of %s', async (dtype, values) => {
    const [model] = (await checkpoints({ first: W, t: tensor(dtype, [5], values) })) as [FileCheckpoint];
    const bytes = values.byteLength;
    const expected = refused('POOL', new RegExp(`found NaN in ${model.path}, tensor "t", element 3$`));
    await expect(model.read('t', new Uint8Array(bytes))).rejects.toEqual(expected);
    // A window that begins within the tensor counts from the tensor's begin; one without the NaN is no error.
    await expect(model.read('t', new Uint8Array((2 * bytes) / 5), (2 * bytes) / 5)).rejects.toEqual(expected);
    await model.read('t', new Uint8Array((3 * bytes) / 5));
    await expect(model.read('t', new Uint8Array(bytes))).rejects.toEqual(expected);
  });

  test('and not in integers of the same bits', async () => {
    const bits = Uint32Array.of(0xffffffff, 0x7fc00000);
    const [model] = (await checkpoints({ t: tensor('U32', [2], bits) })) as [FileCheckpoint];
    const target = new Uint8Array(8);
    await model.read('t', target);
    expect(new Uint32Array(target.buffer)).toEqual(bits);
  });
});
