import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Backend, FLOAT_BYTES, type FloatDtype } from '../lib/backend.js';
import { bitsOf, bytesOf, outputOf, tensor } from './tensors.js';

const DTYPES = Object.keys(FLOAT_BYTES) as FloatDtype[];

/** Around the sizes of elements, tiles and blocks; nothing special for any of them. */
const SIZES = [0, 1, 7, 255, 257, 4097];

const floats = (length: number) => fc.array(fc.float({ noNaN: false }), { minLength: length, maxLength: length });
const weights = (length: number) =>
  fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: length, maxLength: length });

/** What every backend's `average` must do. */
export function describeAverage(open: () => Backend): void {
  const average = async (
    dtype: FloatDtype,
    ingredients: readonly NodeJS.TypedArray[],
    p: readonly number[],
    divisor = 1,
  ) => {
    const one = tensor(dtype, ingredients);
    await open().average({ weights: Float64Array.from(p), divisors: Float64Array.of(divisor), tensors: [one] });
    return outputOf(one);
  };
  const averageF32 = async (ingredients: readonly (readonly number[])[], p: readonly number[], divisor = 1) => {
    const output = await average(
      'F32',
      ingredients.map((values) => Float32Array.from(values)),
      p,
      divisor,
    );
    return new Float32Array(output.slice().buffer);
  };

  describe('average', () => {
    it('is the float64 sum in the order of the ingredients, divided, then rounded once', async () => {
      const request = fc
        .record({ ingredients: fc.integer({ min: 2, max: 5 }), elements: fc.constantFrom(...SIZES.slice(1, 4)) })
        .chain(({ ingredients, elements }) =>
          fc.tuple(
            fc.array(floats(elements), { minLength: ingredients, maxLength: ingredients }),
            weights(ingredients),
            fc.double({ min: 0.1, max: 9, noNaN: true }),
          ),
        );
      await fc.assert(
        fc.asyncProperty(request, async ([values, p, divisor]) => {
          const output = await averageF32(values, p, divisor);
          for (let i = 0; i < output.length; i++) {
            const column = values.map((ingredient) => ingredient[i] as number);
            let sum = (p[0] as number) * (column[0] as number);
            for (let k = 1; k < column.length; k++) sum += (p[k] as number) * (column[k] as number);
            const isEqual = column.every((value) => Object.is(value, column[0]));
            const expected = isEqual ? (column[0] as number) : Math.fround(sum / divisor);
            if (!Object.is(output[i], expected))
              expect.fail(`${column} with ${p} / ${divisor} gives ${output[i]}, not ${expected}`);
          }
        }),
        { numRuns: 40 },
      );
    });

    it.each(SIZES)('averages %i elements of every dtype at any alignment', async (elements) => {
      for (const dtype of DTYPES) {
        const size = FLOAT_BYTES[dtype];
        // Bytes 0 … 0x3b of small integers make finite floats of every dtype.
        const ingredients = [1, 2, 3].map((k) =>
          Uint8Array.from({ length: elements * size }, (_, i) => (i * k) % 0x3c),
        );
        const equal = await average(dtype, [ingredients[0], ingredients[0]] as Uint8Array[], [0.3, 0.7]);
        expect(Buffer.compare(equal, ingredients[0] as Uint8Array)).toBe(0);
        const mixed = await average(dtype, ingredients, [1, 2, 3], 6);
        expect(mixed.length).toBe(elements * size);
        if (elements > 1) expect(Buffer.compare(mixed, ingredients[0] as Uint8Array)).not.toBe(0);
      }
    });

    it('copies an element whose bits are equal in all ingredients, even a signalling NaN', async () => {
      const patterns: Record<FloatDtype, NodeJS.TypedArray> = {
        F16: Uint16Array.of(0x7c01, 0xfe55, 0x8000, 0x0001, 0x3555),
        BF16: Uint16Array.of(0x7f81, 0xffc5, 0x8000, 0x0001, 0x3eaa),
        F32: Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 1, 0x3dcccccd),
        F64: BigUint64Array.of(0x7ff0000000000001n, 0xfff8000000012345n, 0x8000000000000000n, 1n, 0x3fb999999999999an),
      };
      for (const dtype of DTYPES) {
        const pattern = patterns[dtype];
        // weights that do not sum to 1 after rounding, and would make NaN quiet
        const output = await average(dtype, [pattern, pattern, pattern], [0.1, 0.7, 0.19]);
        expect(bitsOf(dtype, output)).toEqual(bitsOf(dtype, bytesOf(pattern)));
      }
    });

    it('copies equal elements beside elements that differ', async () => {
      const output = await averageF32(
        [
          [0.1, 1, 5],
          [0.1, 2, 5],
          [0.1, 4, 5],
        ],
        [1 / 3, 1 / 3, 1 / 3],
      );
      expect([...output]).toEqual([Math.fround(0.1), Math.fround(1 / 3 + 2 / 3 + 4 / 3), 5]);
    });

    it('divides truly, so that the mean of an exact half rounds to even', async () => {
      // 6 integers that add up to 6 · (2^24 + 1): their mean lies half-way between two float32 numbers.
      const column = [2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24 + 6];
      expect([
        ...(await averageF32(
          column.map((value) => [value]),
          [1, 1, 1, 1, 1, 1],
          6,
        )),
      ]).toEqual([2 ** 24]);
    });

    it('keeps −0, adds −0 and 0 to 0, and overflows to infinity', async () => {
      const output = await averageF32(
        [
          [-0, -0, 3e38, Infinity],
          [-0, 0, 3.1e38, -2],
        ],
        [1, 1],
      );
      expect([...output]).toEqual([-0, 0, Infinity, Infinity]);
    });

    it('keeps the sign of a sum of products that vanish', async () => {
      for (const elements of [1, 70, 300]) {
        const ingredients = [new Float64Array(elements).fill(-0), new Float64Array(elements).fill(-5e-324)];
        const output = await average('F64', ingredients, [1, 0.25]);
        expect([...new Float64Array(output.slice().buffer)]).toEqual(Array(elements).fill(-0));
      }
    });

    it('turns every other NaN into the one quiet NaN of the dtype', async () => {
      const payload = Uint32Array.of(0xffc12345, 0xff800000);
      const other = Uint32Array.of(0x3f800000, 0x7f800000);
      expect(bitsOf('F32', await average('F32', [payload, other], [1, 1]))).toEqual([0x7fc00000n, 0x7fc00000n]);
      const halves = [Uint16Array.of(0xfe55), Uint16Array.of(0x3c00)];
      expect(bitsOf('F16', await average('F16', halves, [1, 1]))).toEqual([0x7e00n]);
      expect(
        bitsOf(
          'BF16',
          await average('BF16', halves.map(() => Uint16Array.of(0xffc5, 0)).with(1, Uint16Array.of(1, 0)), [1, 1]),
        ),
      ).toEqual([0x7fc0n, 0n]);
      const doubles = [BigUint64Array.of(0xfff8000000012345n), BigUint64Array.of(0n)];
      expect(bitsOf('F64', await average('F64', doubles, [1, 1]))).toEqual([0x7ff8000000000000n]);
    });

    it.each(['F16', 'BF16'] as const)('adds nothing to all 65536 patterns of %s and gets them back', async (dtype) => {
      const [infinity, quietNaN] = dtype === 'F16' ? [0x7c00, 0x7e00] : [0x7f80, 0x7fc0];
      const patterns = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
      const minusZero = new Uint16Array(0x10000).fill(0x8000);
      const output = await average(dtype, [patterns, minusZero], [1, 1]);
      const expected = Array.from(patterns, (bits) => BigInt((bits & 0x7fff) > infinity ? quietNaN : bits));
      expected[0x8000] = 0x8000n;
      expect(bitsOf(dtype, output)).toEqual(expected);
    });

    it.each(['F16', 'BF16'] as const)(
      'rounds the mean of %s neighbours to even, and beside the middle to the nearer',
      async (dtype) => {
        const infinity = dtype === 'F16' ? 0x7c00 : 0x7f80;
        const lower = Uint16Array.from({ length: infinity - 1 }, (_, bits) => bits);
        const upper = lower.map((bits) => bits + 1);
        const even = Array.from(lower, (bits) => BigInt(bits % 2 === 0 ? bits : bits + 1));
        expect(bitsOf(dtype, await average(dtype, [lower, upper], [0.5, 0.5]))).toEqual(even);
        // Off the middle by less than float32 can tell: two roundings would go to even here too.
        const tilt = 2 ** -40;
        const down = await average(dtype, [lower, upper], [0.5 + tilt, 0.5 - tilt]);
        expect(bitsOf(dtype, down)).toEqual(Array.from(lower, BigInt));
        const up = await average(dtype, [lower, upper], [0.5 - tilt, 0.5 + tilt]);
        expect(bitsOf(dtype, up)).toEqual(Array.from(upper, BigInt));
      },
    );

    it('averages many tensors of different dtypes and sizes in one call', async () => {
      const sizes = [0, 1, 7, 0, 255, 20_000, 3, 40_000];
      const tensors = sizes.map((size, t) =>
        t % 2 === 0
          ? tensor('F32', [new Float32Array(size).fill(t), new Float32Array(size).fill(t + 2)])
          : tensor('F64', [new Float64Array(size).fill(-t), new Float64Array(size).fill(t)]),
      );
      await open().average(
        { weights: Float64Array.of(0.5, 0.5), divisors: Float64Array.of(1), tensors },
        { threads: 3 },
      );
      for (const [t, one] of tensors.entries()) {
        const copy = outputOf(one).slice().buffer;
        const values = t % 2 === 0 ? new Float32Array(copy) : new Float64Array(copy);
        expect(values.length).toBe(sizes[t]);
        expect(values.every((value) => value === (t % 2 === 0 ? t + 1 : 0))).toBe(true);
      }
    });

    it('leaves the bytes around an output alone', async () => {
      const buffer = new Uint8Array(4 * 7 + 6).fill(0xaa);
      const ingredients = [1, 2].map((value) => bytesOf(new Float32Array(7).fill(value)));
      const output = buffer.subarray(3, 3 + 28);
      await open().average({
        weights: Float64Array.of(1, 1),
        divisors: Float64Array.of(1),
        tensors: [{ dtype: 'F32', ingredients, outputs: [output] }],
      });
      expect([...buffer.subarray(0, 3), ...buffer.subarray(31)]).toEqual([0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
    });

    it('does nothing for no tensors', async () => {
      await expect(
        open().average({ weights: Float64Array.of(1), divisors: Float64Array.of(1), tensors: [] }),
      ).resolves.toBeUndefined();
    });
  });
}
