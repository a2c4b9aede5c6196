import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as {
  average: Call;
  stream: Call;
  backends(cudaLibrary: string | null): string[];
};

const listed = addon.backends(null);
/** Index of the first backend that this processor has. */
const available = listed.findIndex((_, index) => listed[2 * index + 1] === '');

const state = () => new Int32Array(2);
const average = [
  available,
  Float64Array.of(1),
  Float64Array.of(1),
  Int32Array.of(2),
  [new Uint8Array(4)],
  new Float64Array(3),
  [new Uint8Array(4)],
  2 ** 20,
  0,
  1,
  state(),
];
/** An average of a range of a file. */
const averageOfFile = (...range: number[]): unknown[] =>
  (average as unknown[]).with(4, [null]).with(5, Float64Array.from(range));
/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ['weights that are no array', 1, 1],
    ['no weights', 1, new Float64Array(0)],
    ['more weights than ingredients', 1, Float64Array.of(1, 1)],
    ['a negative weight', 1, Float64Array.of(-1)],
    ['a weight that is NaN', 1, Float64Array.of(NaN)],
    ['weights of 0 only', 1, Float64Array.of(0)],
    ['no divisors', 2, new Float64Array(0)],
    ['more divisors than weights', 2, Float64Array.of(1, 1)],
    ['an unknown dtype', 3, Int32Array.of(4)],
    ['part of an element', 3, Int32Array.of(3)],
    ['arrays of another length', 4, [new Uint8Array(8)]],
    ['arrays of another type', 4, [new Int8Array(4)]],
    ['fewer arrays', 4, []],
    ['fewer ranges', 5, new Float64Array(0)],
    ['outputs of another length', 6, [new Uint8Array(3)]],
    ['outputs of another type', 6, [new Int8Array(4)]],
    ['an output that is null', 6, [null]],
    ['fewer outputs', 6, []],
    ['hardly any memory', 7, 1],
    ['a wish in words', 8, 'yes'],
    ['threads below 0', 9, -1],
    ['a state of one element', 10, new Int32Array(1)],
    ['a backend that there is not', 0, 99],
  ])('to average with %s', (_, position, value) => {
    expect(() => addon.average(...average.with(position, value as never))).toThrow(TypeError);
  });

  it.each<[string, number[]]>([
    ['a negative descriptor', [-1, 0, 4]],
    ['a descriptor beyond 31 bits', [2 ** 31, 0, 4]],
    ['half an offset', [0, 0.5, 4]],
    ['a negative size', [0, 0, -4]],
    ['a size that is NaN', [0, 0, NaN]],
    ['another size than its output', [0, 0, 8]],
  ])('to average a file with %s', (_, range) => {
    expect(() => addon.average(...averageOfFile(...range))).toThrow(TypeError);
  });

  it('a path of the CUDA library that is none', () => {
    expect(() => addon.backends(1 as never)).toThrow(TypeError);
  });

  it('a CUDA backend that has not been loaded', () => {
    const cuda = listed.indexOf('cuda') / 2;
    expect(listed[2 * cuda + 1]).toBe('it has not been asked for');
    expect(() => addon.average(...average.with(0, cuda))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ['reads that are no array', 1, new Uint8Array(4)],
    ['a read of another type', 1, [new Float32Array(1)]],
    ['a write of nothing', 2, [undefined]],
    ['threads in words', 3, 'two'],
  ])('to stream with %s', (_, position, value) => {
    const stream = [available, [new Uint8Array(4)], [new Uint8Array(4)], 1, state()];
    expect(() => addon.stream(...stream.with(position, value as never))).toThrow(TypeError);
  });

  it('another number of arguments', () => {
    expect(() => (addon.backends as Call)()).toThrow(TypeError);
    expect(() => addon.average()).toThrow(TypeError);
    expect(() => addon.average(...average, 1)).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    expect(await addon.average(...average)).toBe(null);
  });
});
