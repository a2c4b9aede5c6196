import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as {
  predict: Call;
  backends(cudaLibrary: string | null): string[];
};

const listed = addon.backends(null);
const available = listed.findIndex((_, index) => listed[2 * index + 1] === '');

const predict = (): unknown[] => [
  available,
  Float32Array.of(1, 3, 2, 2),
  2,
  new Uint32Array(2),
  new Float64Array(2),
  1,
  new Int32Array(2),
];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ['a backend that there is not', 0, 99],
    ['logits of another type', 1, new Float64Array(4)],
    ['part of a sample', 1, new Float32Array(3)],
    ['more logits', 1, new Float32Array(6)],
    ['no classes', 2, 0],
    ['another number of classes', 2, 4],
    ['room for fewer samples', 3, new Uint32Array(1)],
    ['predicted classes of another type', 3, new Int32Array(2)],
    ['fewer sums', 4, new Float64Array(1)],
    ['sums of another type', 4, new Float32Array(2)],
    ['threads below 0', 5, -1],
    ['a state of one element', 6, new Int32Array(1)],
  ])('predictions with %s', (_, position, value) => {
    expect(() => addon.predict(...predict().with(position, value))).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    const right = predict();
    expect(await addon.predict(...right)).toBe(0);
    expect(right[3]).toEqual(Uint32Array.of(1, 0));
    expect((right[4] as Float64Array)[1]).toBe(2);
  });
});
