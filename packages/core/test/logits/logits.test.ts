import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { describe, expect, test } from 'vitest';
import {
  equalLogits,
  fromHalf,
  LogitsStore,
  openLogits,
  poolLogits,
  scoredShape,
  storedInMemory,
  withLogitsFiles,
} from '../../src/logits/index.js';
import { accuracy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { ApproxScorer } from '../../src/stage1/index.js';
import { f32, refused, type TensorData, temporaryFolder, tensor, writeArray } from '../pools.js';

const folder = temporaryFolder();
let files = 0;
const write = (data: TensorData) => writeArray(join(folder, `${files++}.npy`), data);

/** Accuracy of each single model whose logits stand in these files, for the labels 0, 1, 0, … */
function accuracies(paths: readonly string[]): Promise<number[]> {
  return withLogitsFiles(paths, async (logits) => {
    const labels = Int32Array.from({ length: logits[0]?.samples ?? 0 }, (_, sample) => sample % 2);
    const cache = poolLogits(
      paths.map((_, index) => `m${index}`),
      logits,
      labels,
    );
    const scorer = await ApproxScorer.open(cache, { metric: accuracy, backend: openBackend('auto') });
    const singles = paths.map((_, index) => Mixture.uniform(paths.length, [index]));
    return [...(await scorer.scores(singles))];
  });
}

describe('logits in a file', () => {
  test.each<[TensorData['dtype'], ArrayBufferView]>([
    ['F32', Float32Array.of(0.5, -2, 1.5, 0, 3, 65504)],
    ['F64', Float64Array.of(0.5, -2, 1.5, 0, 3, 65504)],
    ['F16', Uint16Array.of(0x3800, 0xc000, 0x3e00, 0, 0x4200, 0x7bff)],
  ])('of dtype %s are scored where they are', async (dtype, values) => {
    expect(await accuracies([await write(tensor(dtype, [3, 2], values))])).toEqual([1 / 3]);
  });

  test('of float64 are rounded to float32, where two can become equal', async () => {
    const path = await write(tensor('F64', [1, 2], Float64Array.of(1, 1 + 2 ** -24)));
    expect(await accuracies([path])).toEqual([1]);
  });

  test('in the byte order of another machine are read as well', async () => {
    const path = await write(f32([1, 2], [1, 0]));
    const bytes = readFileSync(path);
    bytes.subarray(bytes.length - 8).swap32();
    writeFileSync(path, Buffer.from(bytes.toString('latin1').replace('<f4', '>f4'), 'latin1'));
    expect(await accuracies([path])).toEqual([1]);
  });

  test.each([[[4]], [[2, 2, 1]], [[4, 1]], [[0, 2]]])('of shape %j are refused', async (shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const path = await write(f32(shape, new Float32Array(length)));
    await expect(openLogits(path)).rejects.toEqual(refused('DATA', /shape \[samples, classes\]/));
  });

  test('of integers are refused', async () => {
    const path = await write(tensor('I32', [1, 2], Int32Array.of(1, 2)));
    await expect(openLogits(path)).rejects.toEqual(refused('DATA', /F32, F16 or F64 but found I32/));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'that are %d are refused, naming model, sample and class',
    async (bad) => {
      const path = await write(f32([3, 2], [0, 1, 2, bad, bad, 0]));
      await expect(accuracies([path])).rejects.toEqual(
        refused('EVALUATION', new RegExp(`${bad} from model "m0" for sample 1, class 1`)),
      );
    },
  );

  test('that are not scored where they are go to a store with a limit, and are the same', async () => {
    const paths = [
      await write(f32([2, 2, 2], [0, 1, 2, 3, 5, 4, 7, 6])),
      await write(f32([2, 2, 2], [9, 8, 7, 6, 5, 4, 3, 2])),
    ];
    const tokens = { positions: 2, places: Int32Array.of(1, 2, 3) };
    const labels = {
      path: 'y',
      task: 'token-classification',
      values: Int32Array.of(1, 0, 0),
      samples: 2,
      tokens,
    } as const;
    expect(await scoredShape(paths[0] as string, { labels })).toEqual({ samples: 3, classes: 2, reading: 32 + 24 });
    const read = async (mostBytes: number) => {
      const store = new LogitsStore({ models: 2, mostBytes, folder });
      return withLogitsFiles(
        paths,
        async (logits) => {
          const scorer = await ApproxScorer.open(poolLogits(['a', 'b'], logits, labels.values), {
            metric: accuracy,
            backend: openBackend('auto'),
          });
          const scores = await scorer.scores([0, 1].map((k) => Mixture.uniform(2, [k])));
          return { scores: [...scores], inMemory: logits.map(({ source }) => source instanceof Uint8Array) };
        },
        { labels, store },
      ).finally(() => store.close());
    };
    expect(await read(48)).toEqual({ scores: [1, 2 / 3], inMemory: [true, true] });
    expect(await read(47)).toEqual({ scores: [1, 2 / 3], inMemory: [false, false] });
  });

  test('that become fewer while they are scored are refused, naming the file', async () => {
    const paths = [await write(f32([2, 2], [0, 1, 2, 3])), await write(f32([2, 2], [0, 1, 2, 3]))];
    const scored = withLogitsFiles(paths, async (logits) => {
      truncateSync(paths[1] as string, 136);
      const cache = poolLogits(['a', 'b'], logits, Int32Array.of(0, 1));
      await ApproxScorer.open(cache, { metric: accuracy, backend: openBackend('auto') });
    });
    await expect(scored).rejects.toEqual(refused('FILE', /found the end of the file after 136 in .*\.npy/));
  });
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
  const logits = (samples: number, classes: number, fill = 0) =>
    storedInMemory({ values: new Float32Array(samples * classes).fill(fill), samples, classes });

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
