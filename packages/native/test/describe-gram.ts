import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Backend,
  FLOAT_BYTES,
  type FloatDtype,
  type GramRequest,
  type GramTensor,
  leastGramMemory,
  type RunOptions,
} from '../lib/backend.js';
import { openBackend, SourceError } from '../lib/index.js';
import { bytesOf, tensor } from './tensors.js';

const DTYPES = Object.keys(FLOAT_BYTES) as FloatDtype[];
const reference = openBackend('reference');

/** A tensor whose models begin at odd addresses. */
function gramTensor(dtype: FloatDtype, models: readonly NodeJS.TypedArray[], group = 0): GramTensor {
  return { dtype, group, models: tensor(dtype, models).ingredients };
}

const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed * 4.1) * 2 + 1);

/** Any bytes: numbers of all sizes, NaN and infinities among them. */
function anyBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i + 1, 0x9e3779b1 + 977 * seed) >>> 21;
  return bytes;
}

const pool = (models: number, elements: number) => Array.from({ length: models }, (_, k) => noise(elements, k));
const request = (models: number, tensors: GramTensor[], groups = 1): GramRequest => ({ models, groups, tensors });

/** A call that would take far longer than a test. */
export const endlessGram = async (backend: Backend) => {
  const models = Array<Uint8Array>(200).fill(new Uint8Array(64_000_000));
  const tensors = [{ dtype: 'F16' as const, group: 0, models }];
  return (options: RunOptions) => backend.gram(request(200, tensors), options);
};

/** What every backend's `gram` must do. */
export function describeGram(open: () => Backend): void {
  describe('gram', () => {
    it.each([1, 2, 3, 5, 13])('is the inner products of %i models’ differences from their mean', async (models) => {
      const values = pool(models, 1_003);
      const { products, notFinite } = await open().gram(request(models, [gramTensor('F32', values)]));
      const mean = Float64Array.from(values[0] as Float32Array, (_, i) => {
        return values.reduce((sum, row) => sum + (row[i] as number), 0) / models;
      });
      const differences = values.map((row) => Float64Array.from(row, (value, i) => value - (mean[i] as number)));
      for (let i = 0; i < models; i++) {
        for (let j = 0; j < models; j++) {
          const pairs = differences[i]?.map((value, at) => value * (differences[j]?.[at] as number));
          const expected = pairs?.reduce((sum, value) => sum + value, 0) as number;
          expect(Math.abs((products[i * models + j] as number) - expected)).toBeLessThan(1e-4);
        }
      }
      expect(notFinite).toEqual(new Float64Array(models));
    });

    it('is of the reference where one is given, and keeps small differences of large weights', async () => {
      const start = new Float32Array(40).fill(1000);
      const models = [1, 2].map((k) => start.map((value, i) => value + (i === k ? 2 ** -10 : 0)));
      const one = { ...gramTensor('F32', models), reference: bytesOf(start) };
      const { products, notFinite } = await open().gram(request(2, [one]));
      expect([...products]).toEqual([2 ** -20, 0, 0, 2 ** -20]);
      expect([...notFinite]).toEqual([0, 0, 0]);
    });

    it('has a matrix for each group of tensors, which together are that of all', async () => {
      const tensors = [0, 2, 0].map((group, t) =>
        gramTensor('F64', [Float64Array.of(t, 1), Float64Array.of(-t, 3)], group),
      );
      const { products } = await open().gram(request(2, tensors, 3));
      expect([...products]).toEqual([6, -6, -6, 6, 0, 0, 0, 0, 2, -2, -2, 2]);
      const whole = await open().gram(
        request(
          2,
          tensors.map((one) => ({ ...one, group: 0 })),
        ),
      );
      expect([...whole.products]).toEqual([8, -8, -8, 8]);
    });

    it('is 0 for no tensors, and for tensors of no elements', async () => {
      expect([...(await open().gram(request(2, []))).products]).toEqual([0, 0, 0, 0]);
      const empty = gramTensor('F32', [new Float32Array(0), new Float32Array(0)]);
      expect([...(await open().gram(request(2, [empty]))).products]).toEqual([0, 0, 0, 0]);
    });

    it.each(DTYPES)('has the reference’s bits for any bytes of %s', async (dtype) => {
      const property = fc.asyncProperty(
        fc.record({
          models: fc.constantFrom(1, 2, 3, 4, 7, 13),
          elements: fc.constantFrom(0, 1, 7, 8, 9, 255, 257, 1031),
          seed: fc.nat(1000),
          hasReference: fc.boolean(),
        }),
        async ({ models, elements, seed, hasReference }) => {
          const bytes = elements * FLOAT_BYTES[dtype];
          const one = gramTensor(
            dtype,
            Array.from({ length: models }, (_, k) => anyBytes(bytes, seed + k)),
          );
          const tensors = [hasReference ? { ...one, reference: anyBytes(bytes, seed - 1) } : one];
          expect(await open().gram(request(models, tensors))).toEqual(await reference.gram(request(models, tensors)));
        },
      );
      await fc.assert(property, { numRuns: 40 });
    });

    it('keeps distances where other models’ weights are not finite, and counts those', async () => {
      const values = pool(4, 20_000);
      const tensors = [gramTensor('F32', values)];
      const { products } = await open().gram(request(4, tensors));
      const ruined = values.map((row) => row.slice());
      (ruined[1] as Float32Array).fill(NaN);
      (ruined[3] as Float32Array)[17_001] = -Infinity;
      const found = await open().gram(request(4, [gramTensor('F32', ruined)]));
      expect([...found.notFinite]).toEqual([0, 20_000, 0, 1]);
      const distance = (gram: Float64Array) => (gram[0] as number) + (gram[10] as number) - 2 * (gram[2] as number);
      expect(Math.abs(distance(found.products) / distance(products) - 1)).toBeLessThan(1e-6);
      expect(found.products.every(Number.isFinite)).toBe(true);
    });

    it('leaves out what is infinite in all models, as masks are', async () => {
      const values = [1, 2].map((k) => Float32Array.of(-Infinity, k, -3.4e38));
      const { products, notFinite } = await open().gram(request(2, [gramTensor('F32', values)]));
      expect([...products]).toEqual([0.25, -0.25, -0.25, 0.25]);
      expect([...notFinite]).toEqual([1, 1]);
    });

    it.each([
      [2, 1],
      [13, 1],
      [13, 3],
      [72, 2],
    ])('reads %i models from files with the bits of memory, in any memory, by %i threads', async (models, threads) => {
      const elements = models > 20 ? 17_001 : 50_003;
      for (const dtype of ['F32', 'BF16'] as const) {
        const rows = Array.from({ length: models }, (_, k) => anyBytes(elements * FLOAT_BYTES[dtype], k));
        const memory = gramTensor(dtype, rows);
        const expected = await open().gram(request(models, [memory, memory]), { threads: 1 });
        const files = { ...memory, models: inFile(memory.models as Uint8Array[]) };
        for (const memoryLimit of [leastGramMemory(models), 2 ** 28]) {
          const asked = { ...request(models, [memory, files]), memoryLimit };
          expect(await open().gram(asked, { threads })).toEqual(expected);
        }
      }
    });

    it('reports a file that ended early, with source and position', async () => {
      const rows = [1, 2, 3].map((seed) => anyBytes(40_000, seed));
      const models = inFile(rows);
      ftruncateSync(fd, 1 + 40_000 + 12_344);
      const tensors = [gramTensor('F32', rows), { dtype: 'F32' as const, group: 0, models }];
      const failure = new SourceError(4, 1 + 40_000 + 12_344, 'ended');
      await expect(open().gram(request(3, tensors))).rejects.toEqual(failure);
    });

    it('reports a reference that cannot be read, after the models of its tensor', async () => {
      const closed = openSync(path, 'r');
      closeSync(closed);
      const one = gramTensor('F32', pool(2, 100));
      const unreadable = { ...one, reference: { fd: closed, offset: 0, byteLength: 400 } };
      const error = await open()
        .gram(request(2, [unreadable]))
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: 'SourceError', source: 2, problem: 'unreadable', code: 'EBADF' });
    });
  });

  const folder = mkdtempSync(join(tmpdir(), 'radin-gram-'));
  const path = join(folder, 'models');
  let fd = -1;
  beforeAll(() => {
    fd = openSync(path, 'w+');
  });
  afterAll(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  /** The same bytes in a file, one array after the other, each at an odd offset. */
  function inFile(arrays: readonly Uint8Array[]) {
    ftruncateSync(fd, 0);
    let offset = 1;
    return arrays.map((bytes) => {
      writeSync(fd, bytes, 0, bytes.byteLength, offset);
      const range = { fd, offset, byteLength: bytes.byteLength };
      offset += bytes.byteLength;
      return range;
    });
  }
}
