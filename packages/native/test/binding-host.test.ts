import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as { addProduct: Call; sha256: Call; canHash: boolean };

const four = () => new Float64Array(4);
const addProduct = (): unknown[] => [four(), 0, four(), four(), 2, 1, 1, new Int32Array(2)];
const sha256 = (): unknown[] => [
  [new Uint8Array(3)],
  new Float64Array(3),
  new Int32Array(1),
  new Uint8Array(32),
  new Float64Array(1),
  1,
  new Int32Array(2),
];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ['more values than it has', 0, new Float64Array(5)],
    ['values of another type', 0, new Float32Array(4)],
    ['a place behind its end', 1, 4],
    ['a place beyond all numbers', 1, 2 ** 53],
    ['part of a row', 2, new Float64Array(3)],
    ['no rows', 2, new Float64Array(0)],
    ['part of a column', 3, new Float64Array(3)],
    ['no columns', 3, new Float64Array(0)],
    ['rank 0', 4, 0],
    ['a larger rank', 4, 4],
    ['no scale', 5, null],
    ['threads below 0', 6, -1],
    ['a state of one element', 7, new Int32Array(1)],
  ])('a product with %s', (_, position, value) => {
    expect(() => addon.addProduct(...addProduct().with(position, value))).toThrow(TypeError);
  });

  it.skipIf(!addon.canHash).each<[string, number, unknown]>([
    ['bytes of another type', 0, [new Int8Array(3)]],
    ['fewer ranges', 1, new Float64Array(2)],
    ['more dtypes', 2, new Int32Array(2)],
    ['shorter digests', 3, new Uint8Array(31)],
    ['no room for NaN', 4, new Float64Array(0)],
    ['threads below 0', 5, -1],
    ['no state', 6, null],
  ])('hashes with %s', (_, position, value) => {
    expect(() => addon.sha256(...sha256().with(position, value))).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    expect(await addon.addProduct(...addProduct())).toBe(0);
    if (addon.canHash) expect(await addon.sha256(...sha256())).toBe(0);
  });
});
