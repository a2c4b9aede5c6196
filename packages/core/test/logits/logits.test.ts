import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { equalLogits, fromHalf, poolLogits, readLogits } from '../../src/logits/index.js';
import { f32, refused, type TensorData, temporaryFolder, tensor, writeArray } from '../pools.js';

const folder = temporaryFolder();
let files = 0;
const write = (data: TensorData) => writeArray(join(folder, `${files++}.npy`), data);

describe('logits in a file', () => {
  test.each<[TensorData['dtype'], ArrayBufferView]>([
    ['F32', Float32Array.of(0.5, -2, 1.5, 0, 3, 65504)],
    ['F64', Float64Array.of(0.5, -2, 1.5, 0, 3, 65504)],
    ['F16', Uint16Array.of(0x3800, 0xc000, 0x3e00, 0, 0x4200, 0x7bff)],
  ])('of dtype %s are read as float32', async (dtype, values) => {
    const logits = await readLogits(await write(tensor(dtype, [3, 2], values)), 'a');
    expect(logits).toEqual({ values: Float32Array.of(0.5, -2, 1.5, 0, 3, 65504), samples: 3, classes: 2 });
  });

  test('of float64 are rounded once', async () => {
    const logits = await readLogits(await write(tensor('F64', [1, 2], Float64Array.of(0.1, 1 + 2 ** -24))), 'a');
    expect(logits.values).toEqual(Float32Array.of(Math.fround(0.1), 1));
  });

  test.each([[[4]], [[2, 2, 1]], [[4, 1]], [[0, 2]]])('of shape %j are refused', async (shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const path = await write(f32(shape, new Float32Array(length)));
    await expect(readLogits(path, 'a')).rejects.toEqual(refused('DATA', /shape \[samples, classes\]/));
  });

  test('of integers are refused', async () => {
    const path = await write(tensor('I32', [1, 2], Int32Array.of(1, 2)));
    await expect(readLogits(path, 'a')).rejects.toEqual(refused('DATA', /F32, F16 or F64 but found I32/));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'that are %d are refused, naming model, sample and class',
    async (bad) => {
      const path = await write(f32([3, 2], [0, 1, 2, bad, bad, 0]));
      await expect(readLogits(path, 'mine')).rejects.toEqual(
        refused('EVALUATION', new RegExp(`${bad} from model "mine" for sample 1, class 1`)),
      );
    },
  );
});

test('every half-precision number is the value that its bits say', () => {
  const view = new DataView(new ArrayBuffer(8));
  const wrong: string[] = [];
  for (let bits = 0; bits < 0x10000; bits++) {
    const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
    // The float64 of the same sign, exponent and fraction; subnormals are fractions of the smallest exponent.
    const [biased, high] = exponent === 31 ? [2047, fraction] : [exponent - 15 + 1023, fraction];
    view.setUint32(0, (sign << 31) | (biased << 20) | (high << 10));
    view.setUint32(4, 0);
    const expected = exponent === 0 ? ((sign ? -1 : 1) * fraction) / 2 ** 24 : view.getFloat64(0);
    if (!Object.is(fromHalf(bits), expected)) wrong.push(`0x${bits.toString(16)}`);
  }
  expect(wrong).toEqual([]);
});

describe('the logits of a pool', () => {
  const logits = (samples: number, classes: number, fill = 0) => ({
    values: new Float32Array(samples * classes).fill(fill),
    samples,
    classes,
  });

  test('have one shape', () => {
    const pool = poolLogits(['a', 'b'], [logits(2, 3), logits(2, 3)], Int32Array.of(0, 1));
    expect(pool).toMatchObject({ models: ['a', 'b'], samples: 2, classes: 3 });
    expect(() => poolLogits(['a', 'b'], [logits(2, 3), logits(2, 4)], Int32Array.of(0, 1))).toThrow(
      refused('DATA', /\[2, 3\] as of model a but found \[2, 4\] of model b/),
    );
    expect(() => poolLogits(['a', 'b'], [logits(2, 3), logits(1, 3)], Int32Array.of(0, 1))).toThrow(
      refused('DATA', /\[1, 3\] of model b/),
    );
  });

  test('have a label for each sample and at least one model', () => {
    expect(() => poolLogits(['a'], [logits(2, 3)], Int32Array.of(0))).toThrow(refused('DATA', /2 labels.* found 1/));
    expect(() => poolLogits([], [], Int32Array.of())).toThrow(refused('DATA', /at least one model/));
  });

  test('that are equal are paired with the first equal ones', () => {
    const five = [1, 2, 1, 2, 1].map((fill) => logits(2, 2, fill));
    const pool = poolLogits(['a', 'b', 'c', 'd', 'e'], five, Int32Array.of(0, 1));
    expect(equalLogits(pool)).toEqual([
      [0, 2],
      [1, 3],
      [0, 4],
    ]);
  });
});
