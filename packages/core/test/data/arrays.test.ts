import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLabels, readLabels, readSplit } from '../../src/data/index.js';
import type { Dtype } from '../../src/formats/index.js';
import { bytesOf } from '../evaluator/opened.js';
import { f32, refused, type TensorData, temporaryFolder, tensor, writeArray } from '../files.js';
import { npy, zip } from '../zip.js';

const folder = temporaryFolder();
let files = 0;
const write = (data: TensorData) => writeArray(join(folder, `${files++}.npy`), data);

describe('one-hot labels', () => {
  const ROWS = [0, 0, 1, 1, 0, 0, 0, 1, 0];
  test.each<[Dtype, ArrayBufferView]>([
    ['BOOL', Uint8Array.from(ROWS)],
    ['U8', Uint8Array.from(ROWS)],
    ['I64', BigInt64Array.from(ROWS, BigInt)],
    ['F16', Uint16Array.from(ROWS, (value) => value * 0x3c00)],
    ['F32', Float32Array.from(ROWS)],
    ['F64', Float64Array.from(ROWS)],
  ])('of dtype %s are the classes of their ones', async (dtype, values) => {
    const path = await write(tensor(dtype, [3, 3], values));
    expect(await readLabels(path)).toEqual({ path, values: Int32Array.of(2, 0, 1), classes: 3 });
  });

  test.each<[string, readonly number[], RegExp]>([
    ['two ones', [0, 1, 0, 1, 1, 0], /found another value in .*, row 1$/],
    ['no one', [0, 1, 0, 0, 0, 0], /found zeros only in .*, row 1$/],
    ['probabilities', [0, 0.5, 0.5, 0, 1, 0], /found another value in .*, row 0$/],
    ['a NaN', [0, 1, 0, Number.NaN, 1, 0], /found another value in .*, row 1$/],
    ['a minus one', [0, 1, 0, -1, 1, 0], /found another value in .*, row 1$/],
  ])('with %s are refused, naming the row', async (_, values, message) => {
    await expect(readLabels(await write(f32([2, 3], values)))).rejects.toEqual(refused('DATA', message));
  });

  test('must have as many columns as there are classes', async () => {
    const labels = await readLabels(await write(f32([1, 3], [1, 0, 0])));
    checkLabels(labels, 3);
    expect(() => checkLabels(labels, 4)).toThrow(refused('DATA', /one-hot labels of 4 classes but found 3/));
  });
});

describe('data in parts', () => {
  const labels = () => write(tensor('U8', [3], Uint8Array.of(0, 1, 2)));

  test('are joined along the first axis, from files and archives', async () => {
    const archive = join(folder, 'parts.npz');
    writeFileSync(archive, zip([{ name: 'x.npy', bytes: npy('<f4', [1, 2], Float32Array.of(5, 6)), deflated: true }]));
    const inputs = [await write(f32([2, 2], [1, 2, 3, 4])), `${archive}:x`];
    const split = await readSplit('validation', { inputs, labels: await labels() });
    expect(split.inputs.shape).toEqual([3, 2]);
    expect(await bytesOf(split.inputs)).toEqual(f32([6], [1, 2, 3, 4, 5, 6]).bytes);
    expect(split.inputs.path).toBe(`${inputs[0]} and 1 more`);
    const parts = [
      await write(tensor('U8', [2], Uint8Array.of(0, 1))),
      await write(tensor('U8', [1], Uint8Array.of(2))),
    ];
    expect((await readLabels(parts)).values).toEqual(Int32Array.of(0, 1, 2));
  });

  test.each<[string, TensorData]>([
    ['F32 [1, 3]', f32([1, 3], [1, 2, 3])],
    ['F64 [1, 2]', tensor('F64', [1, 2], Float64Array.of(1, 2))],
    ['F32 [2]', f32([2], [1, 2])],
    ['F32 []', f32([], [1])],
  ])('of which one is %s are refused', async (shown, part) => {
    const inputs = [await write(f32([2, 2], [1, 2, 3, 4])), await write(part)];
    const message = `F32 [*, 2] as in ${inputs[0]}, but found ${shown} in ${inputs[1]}`;
    await expect(readSplit('validation', { inputs, labels: await labels() })).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining(message),
    });
  });

  test('with too few samples together are refused', async () => {
    const part = await write(f32([1, 2], [1, 2]));
    await expect(readSplit('validation', { inputs: [part, part], labels: await labels() })).rejects.toEqual(
      refused('DATA', /found 3 labels in .* for 2 samples in .* and 1 more/),
    );
  });
});
