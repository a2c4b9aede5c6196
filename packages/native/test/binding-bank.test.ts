import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { ADDON_PATH } from '../lib/addon.js';
import { rawLogits, WRONG_LOGITS } from './raw-logits.js';

type Call = (...values: unknown[]) => unknown;
const addon = createRequire(import.meta.url)(ADDON_PATH) as {
  bankOpen: Call;
  bankCount: Call;
  bankCorrect: Call;
  bankAllSubsets: Call;
  bankClose: Call;
  openCrossEntropyBank: Call;
  backends(cudaLibrary: string | null): string[];
};

const listed = addon.backends(null);
const available = listed.flatMap((_, index) => (index % 2 === 1 && listed[index] === '' ? [(index - 1) / 2] : []));

const state = () => new Int32Array(2);
const logits = rawLogits(available[0] as number);
const open = () => [...logits, 1, 1, state()];
const count = (bank: unknown) => [available[0], bank, Float64Array.of(1), new Float64Array(1), 1, state()];
const correct = (bank: unknown) => [available[0], bank, Float64Array.of(1), new Uint8Array(1), 1, state()];
const allSubsets = (bank: unknown) => [
  available[0],
  bank,
  0,
  new Uint32Array(1),
  new Float64Array(1),
  new Float64Array(6),
  new Uint32Array(2),
  1,
  state(),
];

const NO_BANKS: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 1],
  ['an object', {}],
  ['an array', new Uint8Array(8)],
  ['a function', () => {}],
];

const WRONG_COEFFICIENTS: [string, number, unknown][] = [
  ['more coefficients', 2, Float64Array.of(1, 1)],
  ['no coefficients', 2, new Float64Array(0)],
  ['coefficients of another type', 2, Float32Array.of(1)],
  ['a mixture of nothing', 2, Float64Array.of(0)],
  ['a mixture whose largest coefficient is not 1', 2, Float64Array.of(0.5)],
  ['a coefficient above 1', 2, Float64Array.of(2)],
  ['a negative coefficient', 2, Float64Array.of(-1)],
  ['a coefficient that is NaN', 2, Float64Array.of(NaN)],
];

/** The layer below lib/'s checks is memory-safe on its own: these would read or write outside of arrays, or of freed memory. */
describe('the raw addon refuses', () => {
  let bank: unknown;
  beforeAll(async () => {
    bank = await addon.bankOpen(...open());
  });

  it.each<[string, number, unknown]>([
    ...WRONG_LOGITS,
    ['top 0', 6, 0],
    ['a fraction of a top', 6, 1.5],
    ['an infinity of threads', 7, Infinity],
    ['no state', 8, null],
    ['a state of one element', 8, new Int32Array(1)],
  ])('to open a bank with %s', (_, position, value) => {
    expect(() => addon.bankOpen(...open().with(position, value))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ...WRONG_COEFFICIENTS,
    ['a backend that there is not', 0, 99],
    ['more counts', 3, new Float64Array(2)],
    ['counts of another type', 3, new Uint8Array(1)],
    ['threads below 0', 4, -1],
    ['no state', 5, null],
  ])('to count with %s', (_, position, value) => {
    expect(() => addon.bankCount(...count(bank).with(position, value))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ...WRONG_COEFFICIENTS,
    ['a backend that there is not', 0, 99],
    ['more samples', 3, new Uint8Array(2)],
    ['fewer samples', 3, new Uint8Array(0)],
    ['samples of another type', 3, new Float64Array(1)],
    ['threads in words', 4, 'two'],
    ['no state', 5, null],
  ])('to mark what is correct with %s', (_, position, value) => {
    expect(() => addon.bankCorrect(...correct(bank).with(position, value))).toThrow(TypeError);
  });

  it.each<[string, number, unknown]>([
    ['a backend that there is not', 0, 99],
    ['a lambda in words', 2, 'one'],
    ['a negative lambda', 2, -1],
    ['a lambda that is NaN', 2, NaN],
    ['an infinite lambda', 2, Infinity],
    ['subsets of another type', 3, new Int32Array(1)],
    ['more room for subsets than for what they get right', 3, new Uint32Array(2)],
    ['fewer correct', 4, new Float64Array(0)],
    ['correct of another type', 4, new Float32Array(1)],
    ['fewer sizes', 5, new Float64Array(5)],
    ['fewer counts', 6, new Uint32Array(1)],
    ['more counts', 6, new Uint32Array(4)],
    ['counts of another type', 6, new Float64Array(2)],
    ['half a thread', 7, 0.5],
    ['no state', 8, null],
  ])('all subsets with %s', (_, position, value) => {
    expect(() => addon.bankAllSubsets(...allSubsets(bank).with(position, value))).toThrow(TypeError);
  });

  it('all subsets of 25 models, and of no samples', async () => {
    const of25 = await addon.bankOpen(
      ...open()
        .with(1, new Int32Array(25).fill(2))
        .with(2, Array<unknown>(25).fill(new Uint8Array(8)))
        .with(3, new Float64Array(75)),
    );
    expect(() => addon.bankAllSubsets(...allSubsets(of25).with(5, new Float64Array(78)))).toThrow(TypeError);
    const empty = await addon.bankOpen(
      ...open()
        .with(2, [new Uint8Array(0)])
        .with(5, new Int32Array(0)),
    );
    expect(() => addon.bankAllSubsets(...allSubsets(empty).with(5, new Float64Array(6)))).toThrow(TypeError);
  });

  it.each(NO_BANKS)('%s in place of a bank', (_, none) => {
    expect(() => addon.bankCount(...count(none))).toThrow('Expected a bank');
    expect(() => addon.bankCorrect(...correct(none))).toThrow('Expected a bank');
    expect(() => addon.bankAllSubsets(...allSubsets(none))).toThrow('Expected a bank');
    expect(() => addon.bankClose(none)).toThrow('Expected a bank');
  });

  it('a copy of a bank, an object that inherits from one, and a bank for cross-entropy', async () => {
    const entropy = await addon.openCrossEntropyBank(...logits, 1e-3, new Float64Array(3), 1, state());
    for (const none of [{ ...(bank as object) }, Object.create(bank as object), entropy]) {
      expect(() => addon.bankCount(...count(none))).toThrow('Expected a bank');
      expect(() => addon.bankClose(none)).toThrow('Expected a bank');
    }
  });

  it('a bank of another backend', () => {
    for (const other of available.slice(1)) {
      for (const call of [
        () => addon.bankCount(...count(bank).with(0, other)),
        () => addon.bankCorrect(...correct(bank).with(0, other)),
        () => addon.bankAllSubsets(...allSubsets(bank).with(0, other)),
      ]) {
        expect(call).toThrow('Expected a bank of the same backend');
      }
    }
  });

  it('a closed bank, but not to close it again', async () => {
    const closed = await addon.bankOpen(...open());
    addon.bankClose(closed);
    addon.bankClose(closed);
    for (const call of [
      () => addon.bankCount(...count(closed)),
      () => addon.bankCorrect(...correct(closed)),
      () => addon.bankAllSubsets(...allSubsets(closed)),
    ]) {
      expect(call).toThrow('Expected a bank that has not been closed');
    }
  });

  it('another number of arguments', () => {
    expect(() => addon.bankOpen(...open(), 1)).toThrow(TypeError);
    expect(() => addon.bankCount()).toThrow(TypeError);
    expect(() => addon.bankClose()).toThrow(TypeError);
  });

  it('nothing that is right', async () => {
    expect(await addon.bankCount(...count(bank))).toBe(0);
    expect(await addon.bankCorrect(...correct(bank))).toBe(0);
    expect(await addon.bankAllSubsets(...allSubsets(bank))).toBe(1);
  });
});
