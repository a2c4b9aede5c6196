import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkLabels, readLabels, readSplit } from '../../src/data/index.js';
import type { Dtype } from '../../src/formats/index.js';
import { bytesOf } from '../evaluator/opened.js';
import { f32, refused, temporaryFolder, tensor, writeArray } from '../pools.js';

const folder = temporaryFolder();
let files = 0;
const write = (data: ReturnType<typeof tensor>) => writeArray(join(folder, `${files++}.npy`), data);

const INTEGERS: [Dtype, (values: number[]) => ArrayBufferView][] = [
  ['U8', (values) => Uint8Array.from(values)],
  ['I8', (values) => Int8Array.from(values)],
  ['U16', (values) => Uint16Array.from(values)],
  ['I16', (values) => Int16Array.from(values)],
  ['U32', (values) => Uint32Array.from(values)],
  ['I32', (values) => Int32Array.from(values)],
  ['U64', (values) => BigUint64Array.from(values, BigInt)],
  ['I64', (values) => BigInt64Array.from(values, BigInt)],
];

describe('labels', () => {
  test.each(INTEGERS)('of dtype %s are read', async (dtype, array) => {
    const path = await write(tensor(dtype, [4], array([0, 127, 3, 1])));
    expect(await readLabels(path)).toEqual({ path, values: Int32Array.of(0, 127, 3, 1) });
  });

  test.each(INTEGERS.filter(([dtype]) => dtype.startsWith('I')))(
    'of dtype %s below 0 are refused, naming the row',
    async (dtype, array) => {
      const path = await write(tensor(dtype, [4], array([0, 1, -1, -2])));
      await expect(readLabels(path)).rejects.toEqual(
        refused('DATA', /class index ≥ 0 but found -1 in .*\.npy, row 2$/),
      );
    },
  );

  test.each<[Dtype, ArrayBufferView, string]>([
    ['U32', Uint32Array.of(2 ** 31 - 1, 2 ** 31), '2147483648'],
    ['U64', BigUint64Array.of(1n, 2n ** 64n - 1n), '18446744073709551615'],
    ['I64', BigInt64Array.of(1n, 2n ** 32n), '4294967296'],
  ])('of dtype %s that no class index can have are refused, not wrapped', async (dtype, values, shown) => {
    const path = await write(tensor(dtype, [2], values));
    await expect(readLabels(path)).rejects.toEqual(refused('DATA', new RegExp(`found ${shown} in .*, row 1$`)));
  });

  test.each<[Dtype, ArrayBufferView]>([
    ['F32', Float32Array.of(0, 1)],
    ['F64', Float64Array.of(0, 1)],
    ['F16', Uint16Array.of(0, 0)],
    ['BOOL', Uint8Array.of(0, 1)],
  ])('of dtype %s are refused', async (dtype, values) => {
    const path = await write(tensor(dtype, [2], values));
    await expect(readLabels(path)).rejects.toEqual(refused('DATA', new RegExp(`integer class labels .* ${dtype} in`)));
  });

  test.each([[[]], [[1, 1]], [[1, 1, 1]]])('of shape %j are refused', async (shape) => {
    const path = await write(tensor('I32', shape, Int32Array.of(0)));
    const shown = JSON.stringify(shape).replaceAll(',', ', ');
    await expect(readLabels(path)).rejects.toEqual(
      refused(
        'DATA',
        new RegExp(
          `shape \\[samples\\], or one-hot \\[samples, classes\\], but found \\${shown.replace(']', '\\]')} in`,
        ),
      ),
    );
  });

  test('must be below the number of classes; the first that is not is named', () => {
    const labels = { path: 'labels.npy', values: Int32Array.of(0, 2, 3, 9) };
    expect(() => checkLabels(labels, 3)).toThrow(refused('DATA', /labels below 3.* found 3 in labels\.npy, row 2$/));
    checkLabels(labels, 10);
  });
});

describe('a split', () => {
  test('has the inputs byte for byte, and a label for each sample', async () => {
    const inputs = f32([2, 3], [1, 2, 3, 4, 5, 6]);
    const paths = { inputs: await write(inputs), labels: await write(tensor('U8', [2], Uint8Array.of(1, 0))) };
    const split = await readSplit('test', paths);
    expect(split).toMatchObject({
      name: 'test',
      samples: 2,
      inputs: { path: paths.inputs, dtype: 'F32', shape: [2, 3] },
    });
    expect(split.labels.values).toEqual(Int32Array.of(1, 0));
    expect(await bytesOf(split.inputs)).toEqual(inputs.bytes);
  });

  test('of other lengths is refused, naming both files', async () => {
    const paths = {
      inputs: await write(f32([3, 1], [1, 2, 3])),
      labels: await write(tensor('U8', [2], Uint8Array.of(1, 0))),
    };
    await expect(readSplit('validation', paths)).rejects.toEqual(
      refused('DATA', new RegExp(`found 2 labels in ${paths.labels} for 3 samples in ${paths.inputs}`)),
    );
  });

  test.each([[[0, 4]], [[]]])('with inputs of shape %j is refused', async (shape) => {
    const values = Float32Array.from({ length: shape.length === 0 ? 1 : 0 });
    const paths = {
      inputs: await write(tensor('F32', shape, values)),
      labels: await write(tensor('U8', [0], new Uint8Array())),
    };
    await expect(readSplit('validation', paths)).rejects.toEqual(refused('DATA', /at least one sample but found \[/));
  });
});
