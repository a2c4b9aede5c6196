import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type AverageRequest, type BankRequest, FLOAT_BYTES, type FloatDtype } from '../lib/backend.js';
import { leastAverageMemory, NaNError, openBackend, SourceError } from '../lib/index.js';
import { IS_ON_HOST } from './cuda-on-host.js';
import { realisticPool } from './describe-bank.js';
import { inScratchFolder } from './scratch.js';
import { bytesOf, outputOf, tensor } from './tensors.js';

const cpu = openBackend('cpu');
const cuda = openBackend('cuda');

const DTYPES = Object.keys(FLOAT_BYTES) as FloatDtype[];

afterEach(() => {
  delete process.env.RADIN_ON_HOST_BYTES;
});

const noise = (bytes: number, seed: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => (Math.imul(i + 1, 2654435761 + 2 * seed) >>> 13) & 0xff);

/** Models of tensors of all dtypes, any bytes in them, so also NaNs and infinities. */
function averageRequest(weights: readonly number[][], elements: number): AverageRequest {
  const models = (weights[0] as number[]).length;
  const tensors = DTYPES.map((dtype, t) => {
    const size = FLOAT_BYTES[dtype] * (elements + t);
    const ingredients = Array.from({ length: models }, (_, k) => noise(size, k + 10 * t));
    return tensor(dtype, ingredients, weights.length);
  });
  return { weights: Float64Array.from(weights.flat()), divisors: new Float64Array(weights.length).fill(3), tensors };
}

function expectEqualOutputs(ours: AverageRequest, theirs: AverageRequest): void {
  const [some, others] = [ours, theirs].map(({ tensors }) => tensors.flatMap(({ outputs }) => outputs));
  const isEqual = some?.map((output, i) => Buffer.compare(output, others?.[i] as Uint8Array) === 0);
  expect(isEqual).toEqual(isEqual?.map(() => true));
}

function bankRequest({ logits, ...shape }: ReturnType<typeof realisticPool>, top = 1): BankRequest {
  return { ...shape, top, logits: logits.map((values) => ({ dtype: 'F32', source: bytesOf(values) })) };
}

const subsetsOf = (models: number) =>
  Float64Array.from({ length: models * 60 }, (_, i) =>
    i % models === 0 ? 1 : (Math.imul(i, 40503) >>> 7) % 3 === 0 ? 0 : 1 + ((Math.floor(i / models) * i) % 3),
  );

/** A pool of pairs of models that all but cancel each other: subsets of whole pairs hang on the last bit of each logit. */
function undecidedPool(models: number, samples: number) {
  const pool = realisticPool(models, samples, 12);
  const logits = pool.logits.map((values, k) =>
    k % 2 === 0 ? values : (pool.logits[k - 1] as Float32Array).map((value) => -value * (1 + 2 ** -23)),
  );
  return { ...pool, logits };
}

describe('CUDA’s averages have the CPU’s bits', () => {
  it('for several outputs, any threads and any memory limit', async () => {
    const request = fc
      .record({ models: fc.integer({ min: 1, max: 5 }), outputs: fc.integer({ min: 1, max: 9 }) })
      .chain(({ models, outputs }) => {
        const weight = fc.oneof(fc.constantFrom(0, 1, 1), fc.double({ min: 1e-3, max: 1e3, noNaN: true }));
        const row = fc
          .array(weight, { minLength: models, maxLength: models })
          .map((weights) => (weights.some((value) => value > 0) ? weights : weights.with(-1, 1)));
        return fc.record({
          weights: fc.array(row, { minLength: outputs, maxLength: outputs }),
          elements: fc.constantFrom(0, 1, 255, 5_000),
          threads: fc.constantFrom(1, 2, 7),
          memoryLimit: fc.constantFrom(undefined, leastAverageMemory(models)),
        });
      });
    const property = fc.asyncProperty(request, async ({ weights, elements, threads, memoryLimit }) => {
      const ours = averageRequest(weights, elements);
      const theirs = averageRequest(weights, elements);
      await cuda.average({ ...ours, ...(memoryLimit && { memoryLimit }) }, { threads });
      await cpu.average(theirs);
      expectEqualOutputs(ours, theirs);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('for a pool that is larger than the device’s memory', async () => {
    process.env.RADIN_ON_HOST_BYTES = `${2 ** 20}`;
    const weights = [
      [1, 1, 0, 1],
      [0.25, 2, 0, 0.5],
    ];
    const ours = averageRequest(weights, 200_003);
    const theirs = averageRequest(weights, 200_003);
    await cuda.average(ours);
    await cpu.average(theirs);
    expectEqualOutputs(ours, theirs);
  });

  it('and the first NaN is the CPU’s', async () => {
    const request = averageRequest([[1, 0, 1, 1]], 3_000);
    const ours = await cuda.average({ ...request, refuseNaN: true }).catch((error) => error);
    const theirs = await cpu.average({ ...request, refuseNaN: true }).catch((error) => error);
    expect(ours).toBeInstanceOf(NaNError);
    expect(ours).toEqual(theirs);
    const infinities = [Float32Array.of(1, Infinity), Float32Array.of(1, -Infinity)];
    const harmless = { weights: Float64Array.of(1, 1), divisors: Float64Array.of(2), refuseNaN: true };
    await cuda.average({ ...harmless, tensors: [tensor('F32', infinities)] });
  });

  describe('from files', () => {
    const scratch = inScratchFolder();

    it('and a file that ends early is named', async () => {
      const models = [1, 2, 3].map((k) => new Float32Array(700_000).map((_, i) => Math.sin(i * k)));
      const files = models.map((values, k) => {
        const path = join(scratch.folder, `model-${k}`);
        writeFileSync(path, Buffer.concat([Buffer.from('head'), bytesOf(values)]));
        return { path, fd: openSync(path, 'r') };
      });
      const byteLength = models[0]?.byteLength as number;
      const fromMemory = tensor('F32', models, 2);
      const ingredients = files.map(({ fd }) => ({ fd, offset: 4, byteLength }));
      const fromFiles = { ...tensor('F32', models, 2), ingredients };
      const request = { weights: Float64Array.of(1, 0, 1, 1, 2, 3), divisors: Float64Array.of(2, 6) };
      await cuda.average({ ...request, tensors: [fromFiles] });
      await cpu.average({ ...request, tensors: [fromMemory] });
      expectEqualOutputs({ ...request, tensors: [fromFiles] }, { ...request, tensors: [fromMemory] });
      truncateSync(files[2]?.path as string, 1_000_000);
      const error = await cuda.average({ ...request, tensors: [fromFiles] }, { threads: 1 }).catch((reason) => reason);
      expect(error).toBeInstanceOf(SourceError);
      expect(error).toMatchObject({ source: 2, position: 1_000_000, problem: 'ended' });
      for (const { fd } of files) closeSync(fd);
    });
  });
});

describe('CUDA’s banks are the CPU’s', () => {
  it.each([
    ['real models', realisticPool(7, 900, 60), 1],
    ['ruined models', realisticPool(7, 400, 60, 3), 1],
    ['ruined models, top 3', realisticPool(7, 400, 60, 3), 3],
    ['blocks of one sample', realisticPool(3, 5, 70_000), 1],
    ['many models', realisticPool(72, 50, 20), 2],
    ['samples that hang on rounding', undecidedPool(6, 200), 1],
    ['samples that hang on rounding, top 2', undecidedPool(6, 200), 2],
  ])('with all that they answer: %s', async (_, pool, top) => {
    const models = pool.logits.length;
    const [ours, theirs] = await Promise.all([cuda, cpu].map((backend) => backend.openBank(bankRequest(pool, top))));
    if (ours === undefined || theirs === undefined) throw new Error('no banks');
    expect(ours.statistics).toEqual(theirs.statistics);
    const mixtures = subsetsOf(models);
    expect(await ours.count(mixtures)).toEqual(await theirs.count(mixtures));
    const one = mixtures.subarray(0, models);
    expect(await ours.correct(one)).toEqual(await theirs.correct(one));
    if (models > 24) return;
    const request = { keep: 40, lambda: 0.01 };
    expect(await ours.allSubsets(request)).toEqual(await theirs.allSubsets(request));
  });

  it('for all subsets of odd and even numbers of models', async () => {
    for (const models of [1, 2, 3, 13, 14]) {
      const pool = realisticPool(models, models > 3 ? 1_500 : 300, 12);
      const [ours, theirs] = await Promise.all([cuda, cpu].map((backend) => backend.openBank(bankRequest(pool))));
      const request = { keep: 100, lambda: 0 };
      expect(await ours?.allSubsets(request)).toEqual(await theirs?.allSubsets(request));
    }
  });

  it('for all subsets where few rows fit the device at a time', async () => {
    const pool = realisticPool(11, 500, 20);
    const [ours, theirs] = await Promise.all([cuda, cpu].map((backend) => backend.openBank(bankRequest(pool))));
    process.env.RADIN_ON_HOST_BYTES = '700000';
    const request = { keep: 30, lambda: 0 };
    expect(await ours?.allSubsets(request)).toEqual(await theirs?.allSubsets(request));
  });

  it('for all subsets where more samples are uncertain than the device lists', async () => {
    const pool = undecidedPool(10, 800);
    const [ours, theirs] = await Promise.all([cuda, cpu].map((backend) => backend.openBank(bankRequest(pool))));
    const request = { keep: 20, lambda: 0 };
    expect(await ours?.allSubsets(request)).toEqual(await theirs?.allSubsets(request));
  });

  it('for all subsets where the device has no room for their counts', async () => {
    const pool = realisticPool(12, 200, 10);
    const [ours, theirs] = await Promise.all([cuda, cpu].map((backend) => backend.openBank(bankRequest(pool))));
    process.env.RADIN_ON_HOST_BYTES = '20000';
    const request = { keep: 20, lambda: 0 };
    expect(await ours?.allSubsets(request)).toEqual(await theirs?.allSubsets(request));
  });
});

describe.runIf(IS_ON_HOST)('a device without memory', () => {
  it('is an error of one line that names what failed, after which all goes on', async () => {
    const pool = realisticPool(4, 300, 20);
    process.env.RADIN_ON_HOST_BYTES = '1000';
    const message = 'The device on the host failed: allocation: out of memory';
    await expect(cuda.openBank(bankRequest(pool))).rejects.toThrow(message);
    const request = averageRequest([[1, 1]], 100);
    process.env.RADIN_ON_HOST_BYTES = '10';
    await expect(cuda.average(request)).rejects.toThrow(message);
    delete process.env.RADIN_ON_HOST_BYTES;
    await cuda.average(request);
    expect(outputOf(request.tensors[0]).some((byte) => byte !== 0)).toBe(true);
    const bank = await cuda.openBank(bankRequest(pool));
    process.env.RADIN_ON_HOST_BYTES = '1000';
    await expect(bank.count(Float64Array.of(1, 1, 0, 0))).rejects.toThrow(message);
    delete process.env.RADIN_ON_HOST_BYTES;
    expect((await bank.count(Float64Array.of(1, 1, 0, 0))).length).toBe(1);
  });
});

it.runIf(IS_ON_HOST)('a call on the device tells its progress and stops when its signal aborts', async () => {
  const bank = await cuda.openBank(bankRequest(realisticPool(17, 4_000, 40)));
  const fractions: number[] = [];
  const controller = new AbortController();
  const outcome = bank
    .allSubsets(
      { keep: 1, lambda: 0 },
      {
        signal: controller.signal,
        onProgress: (fraction) => {
          fractions.push(fraction);
          if (fraction > 0) controller.abort('enough');
        },
      },
    )
    .catch((reason) => reason);
  expect(await outcome).toBe('enough');
  expect(fractions.at(-1)).toBeGreaterThan(0);
});
