import fc from 'fast-check';
import { expect, it } from 'vitest';
import { referenceAddProduct } from '../lib/add-product.js';
import { addProduct } from '../lib/index.js';

/** Numbers whose sums round, of both signs. */
function numbers(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, at) => Math.sin(seed + at * 1.37) / (1 + ((at * 7 + seed) % 11)));
}

it('has the bits of the sum written out, whatever the sizes, the part and the threads', async () => {
  const shape = fc.record({
    rows: fc.integer({ min: 1, max: 40 }),
    columns: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 60, max: 1500 })),
    rank: fc.integer({ min: 1, max: 19 }),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    to: fc.double({ min: 0, max: 1, noNaN: true }),
    threads: fc.integer({ min: 1, max: 3 }),
  });
  const property = fc.asyncProperty(shape, async ({ rows, columns, rank, from, to, threads }) => {
    const [begin, end] = [from, to].sort((a, b) => a - b).map((part) => Math.floor(part * rows * columns));
    const [first, length] = [begin as number, (end as number) - (begin as number)];
    const factors = { left: numbers(rows * rank, 1), right: numbers(rank * columns, 2), rank, scale: 0.3, first };
    const [values, expected] = [numbers(length, 3), numbers(length, 3)];
    await referenceAddProduct({ ...factors, values: expected });
    await addProduct({ ...factors, values }, { threads });
    expect(Buffer.from(values.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });
  await fc.assert(property, { numRuns: 100 });
});

it('is the product of matrices', async () => {
  const request = { left: Float64Array.of(1, 2, 3, 4), right: Float64Array.of(5, 6, 7, 8, 9, 10), rank: 2, scale: 10 };
  const values = Float64Array.of(0.5, 0, 0, 0, 0);
  await addProduct({ ...request, values, first: 1 });
  // [1 2; 3 4] · [5 6 7; 8 9 10] = [21 24 27; 47 54 61]
  expect(values).toEqual(Float64Array.of(240.5, 270, 470, 540, 610));
});

it.each([
  ['more values than the product has', { values: new Float64Array(5) }, 'at most 4 elements for values'],
  ['a place behind its end', { first: 5 }, 'an integer in [0, 4] for first'],
  ['part of a row', { left: new Float64Array(3) }, 'a multiple of 2 elements for left'],
  ['part of a column', { right: new Float64Array(5) }, 'a multiple of 2 elements for right'],
  ['no rank', { rank: 0 }, 'for rank'],
  ['values of another type', { values: new Float32Array(4) as unknown as Float64Array }, 'a Float64Array for values'],
])('refuses %s', async (_, change, message) => {
  const four = () => new Float64Array(4);
  const request = { values: four(), first: 0, left: four(), right: four(), rank: 2, scale: 1, ...change };
  await expect(addProduct(request)).rejects.toThrow(message);
});
