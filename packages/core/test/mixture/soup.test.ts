import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type Backend, listBackends, openBackend } from '@radin/native';
import { afterEach, describe, expect, test } from 'vitest';
import { Mixture, Soup } from '../../src/mixture/index.js';
import { closeCheckpoints, type FileCheckpoint, openCheckpoints, Pool } from '../../src/pool/index.js';
import {
  draw,
  everySubset,
  f32,
  numbers,
  refused,
  type TensorData,
  temporaryFolder,
  tensor,
  writeModel,
} from '../pools.js';

const folder = temporaryFolder();
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

/** A pool of models of these tensors, called a, b, c … */
async function poolOf(...models: Record<string, TensorData>[]): Promise<Pool> {
  const own = mkdtempSync(join(folder, 'pool-'));
  const paths = await Promise.all(
    models.map((tensors, index) => writeModel(join(own, `${'abcdefgh'[index]}.safetensors`), tensors)),
  );
  const checkpoints = await openCheckpoints(paths);
  opened.push(...checkpoints);
  return new Pool(checkpoints);
}

async function readWhole(soup: Soup, name: string): Promise<Uint8Array> {
  const target = new Uint8Array(soup.tensors.find((info) => info.name === name)?.byteLength as number);
  await soup.read(name, target);
  return target;
}

/** The value that 16 bits stand for, of a format with this many fraction bits. */
function decode16(bits: number, fractionBits: number): number {
  const bias = 2 ** (14 - fractionBits) - 1;
  const exponent = (bits & 0x7fff) >> fractionBits;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The bits of the nearest finite number, of two equally near the even one: a search through all magnitudes. */
function encode16(value: number, fractionBits: number): number {
  let below = 0;
  let above = 0x7fff - (2 ** fractionBits - 1) - 1;
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (decode16(middle, fractionBits) <= Math.abs(value)) below = middle;
    else above = middle;
  }
  const down = Math.abs(value) - decode16(below, fractionBits);
  const up = decode16(above, fractionBits) - Math.abs(value);
  const bits = down < up || (down === up && below % 2 === 0) ? below : above;
  return value < 0 || Object.is(value, -0) ? bits | 0x8000 : bits;
}

interface Format {
  readonly dtype: 'F32' | 'F64' | 'F16' | 'BF16';
  readonly array: (values: readonly number[]) => Float32Array | Float64Array | Uint16Array;
  readonly widen: (element: number) => number;
}

const sixteen = (dtype: 'F16' | 'BF16', fractionBits: number): Format => ({
  dtype,
  array: (values) => Uint16Array.from(values, (value) => encode16(value, fractionBits)),
  widen: (bits) => decode16(bits, fractionBits),
});

const FORMATS: readonly Format[] = [
  { dtype: 'F32', array: (values) => Float32Array.from(values), widen: (value) => value },
  { dtype: 'F64', array: (values) => Float64Array.from(values), widen: (value) => value },
  sixteen('F16', 10),
  sixteen('BF16', 7),
];

const backends = listBackends()
  .filter(({ name }) => !name.startsWith('cpu-'))
  .filter(({ available }) => available)
  .map(({ name }): Backend => openBackend(name));

describe.each(FORMATS)('a soup of $dtype is a float64 sum rounded once, bit for bit,', ({ dtype, array, widen }) => {
  const ELEMENTS = 1003;
  const next = numbers(5);
  const values = [0, 1, 2, 3].map(() => {
    const scaled = Array.from({ length: ELEMENTS }, () => next() * 2 ** Math.round(8 * next()));
    return array([0, -0, 1, -1, 65504, 2 ** -24, ...scaled.slice(6)]);
  });
  const tensors = values.map((one) => ({ before: f32([1], [9]), t: tensor(dtype, [ELEMENTS], one) }));
  const mixtures = [
    ...everySubset(4).map((members) => Mixture.uniform(4, members)),
    Mixture.of([0.1, 0.2, 0.3, 0.4]),
    Mixture.of([0, 0.75, 0, 0.25]),
  ];

  test.each(backends)('on the backend $name', async (backend) => {
    const pool = await poolOf(...tensors);
    for (const mixture of mixtures) {
      const sum = (at: number) => {
        const weight = (k: number) => (mixture.uniform ? 1 : (mixture.weights[k] as number));
        const terms = mixture.ingredients.map((k) => weight(k) * widen(values[k]?.[at] as number));
        return terms.reduce((total, term) => total + term) / (mixture.uniform ? mixture.size : 1);
      };
      const equal = (at: number) =>
        mixture.ingredients.every((k) => Object.is(values[k]?.[at], values[mixture.ingredients[0] as number]?.[at]));
      const expected = array(
        Array.from({ length: ELEMENTS }, (_, at) =>
          equal(at) ? widen(values[mixture.ingredients[0] as number]?.[at] as number) : sum(at),
        ),
      );
      const soup = new Soup(pool, mixture, backend);
      expect(await readWhole(soup, 't'), mixture.key).toEqual(new Uint8Array(expected.buffer));
    }
  });

  test('also where only a part of the tensor is read', async () => {
    const soup = new Soup(await poolOf(...tensors), Mixture.uniform(4, [0, 2, 3]), openBackend('reference'));
    const whole = await readWhole(soup, 't');
    const size = whole.byteLength / ELEMENTS;
    for (const [begin, end] of [
      [0, 1],
      [7, 500],
      [ELEMENTS - 1, ELEMENTS],
    ] as const) {
      const part = new Uint8Array((end - begin) * size);
      await soup.read('t', part, begin * size);
      expect(part).toEqual(whole.subarray(begin * size, end * size));
    }
  });
});

test('tensors of several windows are averaged to their end', async () => {
  const length = 2 ** 20 + 2 ** 18 + 3;
  const next = numbers(6);
  const values = [0, 1, 2].map(() => draw(next, length));
  const pool = await poolOf(...values.map((one) => ({ t: f32([length], one) })));
  const bytes = await readWhole(new Soup(pool, Mixture.uniform(3, [0, 1, 2]), openBackend('auto')), 't');
  const [a, b, c] = values as [Float32Array, Float32Array, Float32Array];
  const expected = a.map((_, at) => ((a[at] as number) + (b[at] as number) + (c[at] as number)) / 3);
  expect(Buffer.compare(bytes, new Uint8Array(expected.buffer))).toBe(0);
});

describe('a soup', () => {
  const backend = openBackend('auto');

  test('of one model has that model’s bytes, of every dtype', async () => {
    const model = {
      w: f32([2], [0.1, -0]),
      n: tensor('I64', [1], BigInt64Array.of(-5n)),
    };
    const pool = await poolOf(model, { ...model, n: tensor('I64', [1], BigInt64Array.of(7n)) });
    const soup = new Soup(pool, Mixture.uniform(2, [0]), backend);
    for (const [name, { bytes }] of Object.entries(model)) expect(await readWhole(soup, name)).toEqual(bytes);
  });

  test('lists the pool’s tensors, and its ingredients as its id', async () => {
    const pool = await poolOf({ w: f32([2], [1, 2]) }, { w: f32([2], [3, 4]) }, { w: f32([2], [5, 6]) });
    const soup = new Soup(pool, Mixture.uniform(3, [2, 0]), backend);
    expect(soup.id).toBe('a+c');
    expect(soup.tensors).toEqual(pool.tensors);
    await expect(soup.read('none', new Uint8Array(8))).rejects.toThrow(RangeError);
  });

  test('copies integers and booleans that are equal', async () => {
    const shared = { n: tensor('I64', [2], BigInt64Array.of(1n, -2n)), m: tensor('BOOL', [2], Uint8Array.of(1, 0)) };
    const pool = await poolOf(shared, shared, shared);
    const soup = new Soup(pool, Mixture.uniform(3, [0, 1, 2]), backend);
    expect(await readWhole(soup, 'n')).toEqual(shared.n.bytes);
    expect(await readWhole(soup, 'm')).toEqual(shared.m.bytes);
  });

  test('of integers that differ is refused, naming the tensor and both models', async () => {
    const count = (n: number) => ({ n: tensor('I32', [2], Int32Array.of(1, n)) });
    const pool = await poolOf(count(5), count(6), count(5), count(7));
    await expect(readWhole(new Soup(pool, Mixture.uniform(4, [0, 2, 3]), backend), 'n')).rejects.toEqual(
      refused('POOL', /"n", I32, which has no average.* "?a"? and "?d"?$/),
    );
    expect(await readWhole(new Soup(pool, Mixture.uniform(4, [0, 2]), backend), 'n')).toEqual(count(5).n.bytes);
  });

  test('takes BatchNorm’s step counter, which no prediction depends on, from its first ingredient', async () => {
    const count = (n: bigint) => ({ 'bn.num_batches_tracked': tensor('I64', [], BigInt64Array.of(n)) });
    const pool = await poolOf(count(5n), count(6n), count(7n));
    const soup = new Soup(pool, Mixture.uniform(3, [1, 2]), backend);
    expect(await readWhole(soup, 'bn.num_batches_tracked')).toEqual(count(6n)['bn.num_batches_tracked'].bytes);
  });

  test('of 8-bit floats is refused with the reason, also where they are equal', async () => {
    const eight = { e: tensor('F8_E5M2', [1], Uint8Array.of(7)) };
    await expect(poolOf(eight, eight)).rejects.toEqual(
      refused('POOL', /"e" of dtype F8_E5M2 in model a: averaging quantised values,.*before they are quantised/),
    );
  });

  test('with a NaN in an ingredient is refused, naming file, tensor and element', async () => {
    const pool = await poolOf(
      { w: f32([3], [1, 2, 3]) },
      { w: f32([3], [1, 2, Number.NaN]) },
      { w: f32([3], [1, 2, 4]) },
    );
    await expect(readWhole(new Soup(pool, Mixture.uniform(3, [0, 1, 2]), backend), 'w')).rejects.toEqual(
      refused('POOL', /NaN in .*b\.safetensors, tensor "w", element 2$/),
    );
  });

  test('does not read the models that it leaves out: their NaN and infinities have no effect', async () => {
    const pool = await poolOf({ w: f32([1], [1]) }, { w: f32([1], [Number.NaN]) }, { w: f32([1], [2]) });
    const bytes = await readWhole(new Soup(pool, Mixture.of([0.5, 0, 0.5]), backend), 'w');
    expect(bytes).toEqual(f32([1], [1.5]).bytes);
  });
});
