import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as {
  gram: Call;
  backends(cudaLibrary: string | null): string[];
};

const listed = addon.backends(null);
const available = listed.findIndex((_, index) => listed[2 * index + 1] === '');

const gram = (): unknown[] => [
  available,
  2,
  Int32Array.of(2),
  Int32Array.of(0),
  [Float32Array.of(1), Float32Array.of(3)].map(({ buffer }) => new Uint8Array(buffer)),
  new Float64Array(6),
  new Float64Array(4),
  new Float64Array(2),
  2 ** 20,
  1,
  new Int32Array(2),
];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ['a backend that there is not', 0, 99],
    ['no models', 1, 0],
    ['more models than matrices can have', 1, 2 ** 40],
    ['more models than arrays', 1, 3],
    ['an unknown dtype', 2, Int32Array.of(4)],
    ['more dtypes', 2, Int32Array.of(2, 2)],
    ['part of an element', 2, Int32Array.of(3)],
    ['a group without a matrix', 3, Int32Array.of(1)],
    ['a negative group', 3, Int32Array.of(-1)],
    ['no group', 3, new Int32Array(0)],
    ['arrays of another length', 4, [new Uint8Array(4), new Uint8Array(8)]],
    ['arrays of another type', 4, [new Float32Array(1), new Float32Array(1)]],
    ['fewer arrays', 4, [new Uint8Array(4)]],
    ['a file of another size', 4, [new Uint8Array(4), null]],
    ['fewer ranges', 5, new Float64Array(3)],
    ['no products', 6, new Float64Array(0)],
    ['part of a matrix', 6, new Float64Array(3)],
    ['products of another type', 6, new Float32Array(4)],
    ['a number for one model', 7, new Float64Array(1)],
    ['numbers for more than models and reference', 7, new Float64Array(4)],
    ['a reference that is missing', 7, new Float64Array(3)],
    ['hardly any memory', 8, 1],
    ['threads below 0', 9, -1],
    ['a state of one element', 10, new Int32Array(1)],
  ])('a Gram matrix with %s', (_, position, value) => {
    expect(() => addon.gram(...gram().with(position, value))).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    const right = gram();
    expect(await addon.gram(...right)).toBe(0);
    expect(right[6]).toEqual(Float64Array.of(1, -1, -1, 1));
  });
});
