import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';
import { rawLogits, WRONG_LOGITS } from './raw-logits.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as {
  crossEntropy: Call;
  openCrossEntropyBank: Call;
  crossEntropyBounds: Call;
  closeCrossEntropyBank: Call;
  backends(cudaLibrary: string | null): string[];
};

const listed = addon.backends(null);
const available = listed.flatMap((_, index) => (listed[2 * index + 1] === '' ? [index] : []));

const state = () => new Int32Array(2);
const logits = rawLogits(available[0] as number);
const crossEntropy = () => [...logits, Float64Array.of(1), 0, new Float64Array(1), 1, state()];
const open = () => [...logits, 1e-3, new Float64Array(3), 1, state()];
const bounds = (bank: unknown) => [
  available[0],
  bank,
  Float64Array.of(1),
  new Float64Array(1),
  new Float64Array(1),
  1,
  state(),
];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays. */
describe('the raw addon refuses', () => {
  it.each<[string, number, unknown]>([
    ...WRONG_LOGITS,
    ['part of a mixture', 6, new Float64Array(0)],
    ['a mixture of nothing', 6, Float64Array.of(0)],
    ['a coefficient that is NaN', 6, Float64Array.of(NaN)],
    ['a negative coefficient', 6, Float64Array.of(-1)],
    ['an infinite coefficient', 6, Float64Array.of(Infinity)],
    ['another measure', 7, 3],
    ['no measure', 7, null],
    ['more results', 8, new Float64Array(3)],
    ['no results', 8, null],
    ['an infinity of threads', 9, Infinity],
    ['no state', 10, null],
  ])('cross-entropy with %s', (_, position, value) => {
    expect(() => addon.crossEntropy(...crossEntropy().with(position, value as never))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ...WRONG_LOGITS,
    ['a ratio of 0', 6, 0],
    ['a ratio that is NaN', 6, NaN],
    ['a ratio above 1', 6, 2],
    ['fewer figures', 7, new Float64Array(2)],
  ])('a bank with %s', (_, position, value) => {
    expect(() => addon.openCrossEntropyBank(...open().with(position, value as never))).toThrow(TypeError);
  });

  it('gradients of probabilities', () => {
    const call = crossEntropy().with(7, 1).with(8, new Float64Array(2));
    expect(() => addon.crossEntropy(...call)).toThrow(TypeError);
  });

  it('bounds with what is wrong', async () => {
    const bank = await addon.openCrossEntropyBank(...open());
    const right = bounds(bank);
    for (const [position, value] of [
      [0, 99],
      [1, {}],
      [1, null],
      [1, new Uint8Array(8)],
      [2, Float64Array.of(0)],
      [2, Float64Array.of(1, 1)],
      [3, new Float64Array(2)],
      [4, new Float64Array(0)],
      [5, -1],
    ] as const) {
      expect(() => addon.crossEntropyBounds(...right.with(position, value as never))).toThrow(TypeError);
    }
    for (const other of available.slice(1)) {
      expect(() => addon.crossEntropyBounds(...right.with(0, other as never))).toThrow(
        'Expected a bank of this backend',
      );
    }
  });

  it('a closed bank, and to close what is none', async () => {
    const bank = await addon.openCrossEntropyBank(...open());
    addon.closeCrossEntropyBank(bank);
    addon.closeCrossEntropyBank(bank);
    expect(() => addon.crossEntropyBounds(...bounds(bank))).toThrow('Expected a bank that is open');
    for (const none of [undefined, {}, 1, new Uint8Array(8)])
      expect(() => addon.closeCrossEntropyBank(none)).toThrow(TypeError);
    expect(() => addon.closeCrossEntropyBank()).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    expect(await addon.crossEntropy(...crossEntropy())).toBe(-1);
    expect(await addon.crossEntropy(...crossEntropy().with(8, new Float64Array(2)))).toBe(-1);
    const bank = await addon.openCrossEntropyBank(...open());
    expect(await addon.crossEntropyBounds(...bounds(bank))).toBe(0);
  });
});
