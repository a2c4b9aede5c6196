import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

type Call = (...values: unknown[]) => unknown;
const path = fileURLToPath(new URL('../build/Release/radin_native.node', import.meta.url));
const addon = createRequire(import.meta.url)(path) as { average: Call; score: Call };

const state = () => new Int32Array(1);
const average = [Float64Array.of(1), 1, Int32Array.of(2), [new Uint8Array(4), new Uint8Array(4)], 1, state()];
const score = [[new Float32Array(2)], 2, new Int32Array(1), Float64Array.of(1), 1, new Float64Array(1), 1, state()];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ['weights that are no array', 0, 1],
    ['no weights', 0, new Float64Array(0)],
    ['more weights than ingredients', 0, Float64Array.of(1, 1)],
    ['a divisor in words', 1, '1'],
    ['an unknown dtype', 2, Int32Array.of(4)],
    ['part of an element', 2, Int32Array.of(3)],
    ['arrays of two lengths', 3, [new Uint8Array(8), new Uint8Array(4)]],
    ['arrays of another type', 3, [new Int8Array(4), new Int8Array(4)]],
    ['fewer arrays', 3, []],
    ['threads below 0', 4, -1],
    ['a state of two elements', 5, new Int32Array(2)],
  ])('to average with %s', (_, position, value) => {
    expect(() => addon.average(...average.with(position, value as never))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ['no models', 0, []],
    ['logits of another size', 0, [new Float32Array(1)]],
    ['logits of another type', 0, [new Float64Array(2)]],
    ['no classes', 1, 0],
    ['a fraction of a class', 1, 1.5],
    ['a label of C', 2, Int32Array.of(2)],
    ['a negative label', 2, Int32Array.of(-1)],
    ['more coefficients', 3, Float64Array.of(1, 1)],
    ['a mixture of nothing', 3, Float64Array.of(0)],
    ['fewer totals', 5, new Float64Array(0)],
    ['an infinity of threads', 6, Infinity],
    ['no state', 7, null],
  ])('to score with %s', (_, position, value) => {
    expect(() => addon.score(...score.with(position, value as never))).toThrow(TypeError);
  });

  it('another number of arguments', () => {
    expect(() => addon.average()).toThrow(TypeError);
    expect(() => addon.score(...score, 1)).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    expect(await addon.average(...average)).toBe(0);
    expect(await addon.score(...score)).toBe(-1);
  });
});
