import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  type FileRange,
  FLOAT_BYTES,
  type FloatDtype,
  leastAverageMemory,
} from '../lib/backend.js';
import { NaNError, SourceError } from '../lib/index.js';
import { outputOf, tensor } from './tensors.js';

const DTYPES = Object.keys(FLOAT_BYTES) as FloatDtype[];

/** Bytes of any element, with whole stretches in which models agree. */
function bytesOfModel(length: number, model: number, agree: boolean): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const isEqual = agree && (i >> 6) % 3 === 0;
    bytes[i] = Math.imul(i + 1, 0x9e3779b1 + (isEqual ? 0 : 977 * model)) >>> 21;
  }
  return bytes;
}

const models = (count: number, length: number, agree = true) =>
  Array.from({ length: count }, (_, k) => bytesOfModel(length, k, agree));

/** What every backend's `average` must do with several outputs, files, and little memory. */
export function describeAveragePasses(open: () => Backend): void {
  const folder = mkdtempSync(join(tmpdir(), 'radin-average-'));
  const path = join(folder, 'models');
  let fd = -1;
  beforeAll(() => {
    fd = openSync(path, 'w+');
  });
  afterAll(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  /** The same tensor with its ingredients in a file, one after the other, each at an odd offset. */
  function inFile(one: AverageTensor): AverageTensor {
    let offset = 1;
    ftruncateSync(fd, 0);
    const ingredients = one.ingredients.map((bytes): FileRange => {
      writeSync(fd, bytes as Uint8Array, 0, bytes.byteLength, offset);
      const range = { fd, offset, byteLength: bytes.byteLength };
      offset += bytes.byteLength;
      return range;
    });
    return { ...one, ingredients, outputs: one.outputs.map((output) => new Uint8Array(output.byteLength)) };
  }

  const uniform = (count: number, tensors: AverageTensor[]): AverageRequest => ({
    weights: new Float64Array(count).fill(1),
    divisors: Float64Array.of(count),
    tensors,
  });

  describe('average in one pass', () => {
    it.each(DTYPES)(
      'gives each of several outputs of %s what it would be alone, its ingredients in pool order',
      async (dtype) => {
        const request = fc.record({
          count: fc.constantFrom(1, 2, 5),
          outputs: fc.constantFrom(2, 3, 6),
          elements: fc.constantFrom(0, 1, 63, 300, 1031),
          seed: fc.nat(),
          whole: fc.boolean(),
        });
        const property = fc.asyncProperty(request, async ({ count, outputs, elements, seed, whole }) => {
          const one = tensor(dtype, models(count, elements * FLOAT_BYTES[dtype]), outputs);
          const weights = Float64Array.from({ length: outputs * count }, (_, i) => {
            const random = Math.imul(seed + i, 0x9e3779b1) >>> 28;
            return i % count === Math.floor(i / count) % count ? 1 : whole ? random & 1 : random / 7;
          });
          const divisors = Float64Array.from({ length: outputs }, (_, b) => 1 + (b % 3));
          await open().average({ weights, divisors, tensors: [one] });
          for (const [b, output] of one.outputs.entries()) {
            const row = weights.subarray(b * count, (b + 1) * count);
            const used = [...row.keys()].filter((k) => (row[k] as number) > 0);
            const alone = {
              dtype,
              ingredients: used.map((k) => one.ingredients[k] as Uint8Array),
              outputs: [output.slice()],
            };
            outputOf(alone).fill(0xaa);
            await open().average({
              weights: Float64Array.from(used, (k) => row[k] as number),
              divisors: divisors.slice(b, b + 1),
              tensors: [alone],
            });
            expect(Buffer.compare(output, outputOf(alone))).toBe(0);
          }
        });
        await fc.assert(property, { numRuns: 25 });
      },
    );

    it.each([
      [1, 1],
      [2, 3],
      [13, 1],
      [14, 1],
      [72, 1],
      [72, 2],
    ])('reads %i models from files with the bits of memory, for %i outputs and any memory', async (count, outputs) => {
      const elements = count > 20 ? 9_001 : 40_003;
      for (const dtype of DTYPES) {
        const memory = tensor(dtype, models(count, elements * FLOAT_BYTES[dtype], count % 2 === 0), outputs);
        const weights = Float64Array.from(
          { length: outputs * count },
          (_, i) => ((i * 7) % 5) / 4 + (i % count === 0 ? 1 : 0),
        );
        const divisors = new Float64Array(outputs).fill(1.5);
        await open().average({ weights, divisors, tensors: [memory] });
        const file = inFile(memory);
        for (const memoryLimit of [leastAverageMemory(count), 4 * leastAverageMemory(count), 2 ** 28]) {
          for (const output of file.outputs) output.fill(0);
          await open().average({ weights, divisors, tensors: [file], memoryLimit }, { threads: 2 });
          for (const [b, output] of file.outputs.entries()) {
            expect(Buffer.compare(output, memory.outputs[b] as Uint8Array)).toBe(0);
          }
        }
      }
    });

    it('has the same bits where an output is large, small, aligned or not', async () => {
      const elements = 1_200_007;
      const one = tensor('F32', models(2, 4 * elements, false));
      await open().average(uniform(2, [one]));
      for (const shift of [0, 4, 16, 20]) {
        const output = new Uint8Array(new ArrayBuffer(4 * elements + 64), shift, 4 * elements);
        await open().average(uniform(2, [{ ...one, outputs: [output] }]));
        expect(Buffer.compare(output, outputOf(one))).toBe(0);
      }
      const part = {
        dtype: 'F32' as const,
        ingredients: one.ingredients.map((all) => (all as Uint8Array).subarray(400, 4_000)),
      };
      const output = new Uint8Array(3_600);
      await open().average(uniform(2, [{ ...part, outputs: [output] }]));
      expect(Buffer.compare(output, outputOf(one).subarray(400, 4_000))).toBe(0);
    });

    it('does not touch an ingredient of weight 0: its infinities, NaN and file have no effect', async () => {
      const values = [Float32Array.of(1, 2), Float32Array.of(Infinity, NaN), Float32Array.of(5, 6)];
      const one = tensor('F32', values, 2);
      const ingredients = [...one.ingredients];
      const weights = Float64Array.of(1, 0, 1, 0, 0, 1);
      await open().average({ weights, divisors: Float64Array.of(2, 1), tensors: [one], refuseNaN: true });
      expect(one.outputs.map((output) => [...new Float32Array(output.slice().buffer)])).toEqual([
        [3, 4],
        [5, 6],
      ]);
      ingredients[1] = { fd: 2 ** 31 - 1, offset: 0, byteLength: 8 };
      await open().average({ weights, divisors: Float64Array.of(2, 1), tensors: [{ ...one, ingredients }] });
    });
  });

  describe('average refuses NaN', () => {
    const request = (places: readonly [tensor: number, ingredient: number, element: number][]): AverageRequest => {
      const tensors = [0, 1, 2].map((t) => {
        const values = [0, 1, 2].map(() => new Float32Array(70_001).fill(t + 1));
        for (const [of, k, element] of places) if (of === t) (values[k] as Float32Array)[element] = NaN;
        return tensor('F32', values);
      });
      return { ...uniform(3, tensors), refuseNaN: true };
    };

    it('and names the first, in the order of tensors, ingredients, elements', async () => {
      const average = (...places: [number, number, number][]) => open().average(request(places), { threads: 3 });
      await expect(average([2, 0, 3], [1, 2, 7], [1, 1, 70_000], [1, 1, 69_999])).rejects.toEqual(
        new NaNError(1, 1, 69_999),
      );
      await expect(average([0, 2, 0], [0, 0, 65_537])).rejects.toThrow(
        'Expected numbers for tensors[0].ingredients[0] but received NaN at element 65537',
      );
    });

    it('even where it is equal in all ingredients, but no sum of infinities', async () => {
      for (const dtype of DTYPES) {
        const nan = { F16: [0x7e00], BF16: [0x7fc0], F32: [0, 0x7fc0], F64: [0, 0, 0, 0x7ff8] }[dtype];
        const infinity = { F16: [0x7c00], BF16: [0x7f80], F32: [0, 0x7f80], F64: [0, 0, 0, 0x7ff0] }[dtype];
        const negative = infinity.with(-1, (infinity.at(-1) as number) + 0x8000);
        const one = tensor(dtype, [Uint16Array.from(nan), Uint16Array.from(nan)]);
        await expect(open().average({ ...uniform(2, [one]), refuseNaN: true })).rejects.toEqual(new NaNError(0, 0, 0));
        const infinities = tensor(dtype, [Uint16Array.from(infinity), Uint16Array.from(negative)]);
        await open().average({ ...uniform(2, [infinities]), refuseNaN: true });
        expect([...new Uint16Array(outputOf(infinities).slice().buffer)]).toEqual(nan);
      }
    });
  });

  describe('average reports a file', () => {
    it('that ended early, with source and position', async () => {
      const file = inFile(tensor('F32', models(3, 40_000)));
      ftruncateSync(fd, 1 + 40_000 + 12_345);
      const tensors = [tensor('F32', models(3, 80)), file];
      const failure = new SourceError(4, 1 + 40_000 + 12_345, 'ended');
      await expect(open().average(uniform(3, tensors))).rejects.toEqual(failure);
    });

    it('that cannot be read', async () => {
      const file = inFile(tensor('F32', models(2, 400)));
      const closed = openSync(path, 'r');
      closeSync(closed);
      const ingredients = [file.ingredients[0] as FileRange, { fd: closed, offset: 0, byteLength: 400 }];
      const error = await open()
        .average(uniform(2, [{ ...file, ingredients }]))
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'SourceError', source: 1, problem: 'unreadable', code: 'EBADF' });
    });

    it('that changed while it was read', async () => {
      const bytes = 2 ** 20;
      writeSync(fd, new Uint8Array(bytes), 0, bytes, 0);
      const count = open().name === 'reference' ? 20 : 2_000;
      const ingredients = Array<FileRange>(count).fill({ fd, offset: 0, byteLength: bytes });
      const one = { dtype: 'F16' as const, ingredients, outputs: [new Uint8Array(bytes)] };
      const timer = setInterval(() => writeSync(fd, Uint8Array.of(1), 0, 1, 0), 5);
      const error = await open()
        .average(uniform(count, [one]), { threads: 1 })
        .catch((reason: unknown) => reason);
      clearInterval(timer);
      expect(error).toMatchObject({ name: 'SourceError', source: 0, problem: 'changed' });
    });
  });
}
