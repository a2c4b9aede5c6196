import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CrossEntropyRequest, LogitsArray } from '../lib/backend.js';
import { exp2Near } from '../lib/cross-entropy.js';
import { listBackends, openBackend } from '../lib/index.js';
import { entropyRequest, float32Logits, similarModels } from './logits.js';
import { bytesOf } from './tensors.js';

const backends = listBackends()
  .filter(({ name, available }) => available && name.startsWith('cpu-'))
  .map(({ name }) => openBackend(name));
const reference = openBackend('reference');

it('every instruction set has the bits of the reference', async () => {
  const property = fc.asyncProperty(entropyRequest(), fc.constantFrom(1, 2, 7), async (request, threads) => {
    const expected = await reference.crossEntropy(request);
    for (const backend of backends) expect(await backend.crossEntropy(request, { threads })).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 150 });
});

it('every instruction set has the bits of the reference for probabilities, squared errors and temperatures', async () => {
  const temperature = fc.constantFrom(1e-6, 0.2, 0.25, 1, 1.7, 1e6);
  const temperatures = fc.array(temperature, { minLength: 11, maxLength: 11 });
  const measure = fc.constantFrom('loss' as const, 'probability' as const, 'squared-error' as const);
  const property = fc.asyncProperty(
    entropyRequest(),
    temperatures,
    measure,
    fc.boolean(),
    async (drawn, all, of, same) => {
      const each = Float64Array.from(drawn.logits, (_, k) => all[same ? 0 : k] as number);
      const request = { ...drawn, gradient: false, measure: of, temperatures: each };
      const expected = await reference.crossEntropy(request);
      for (const backend of backends) expect(await backend.crossEntropy(request, { threads: 2 })).toEqual(expected);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

it('every instruction set has the bits of the reference for many models and mixtures', async () => {
  const [models, samples, classes] = [72, 30, 130];
  const logits = Array.from({ length: models }, (_, k) =>
    float32Logits(Array.from({ length: samples * classes }, (_, i) => 6 * Math.sin(i * (k + 1)))),
  );
  const labels = Int32Array.from({ length: samples }, (_, m) => (m * 31) % classes);
  const mixtures = Float64Array.from({ length: models * 600 }, (_, i) =>
    Math.sin(i * i) > 0.2 ? 1 + (i % 4 === 5 ? 1 : 0) : 0,
  );
  const few = { logits, samples, classes, labels, mixtures: mixtures.subarray(0, models * 3), gradient: true };
  const expected = await reference.crossEntropy(few);
  for (const backend of backends) {
    expect(await backend.crossEntropy(few)).toEqual(expected);
    const { totals } = await backend.crossEntropy({ ...few, mixtures, gradient: false });
    expect(totals.slice(0, 3)).toEqual(expected.totals);
    const last = { ...few, mixtures: mixtures.subarray(-models), gradient: false };
    expect(totals.at(-1)).toBe((await reference.crossEntropy(last)).totals[0]);
  }
});

it('every instruction set has the same bounds', async () => {
  const requests = [
    similarModels({ models: 19, samples: 300, classes: 77 }),
    similarModels({ models: 2, samples: 33, classes: 300 }),
  ];
  for (const request of requests) {
    const bounds = [];
    for (const backend of backends) {
      const bank = await backend.openCrossEntropyBank({ ...request, ratio: 1e-2 }, { threads: 2 });
      bounds.push({ rows: bank.rows, ...(await bank.bounds(request.mixtures)) });
    }
    for (const other of bounds) expect(other).toEqual(bounds[0]);
  }
});

it('rows too long for the reader’s buffer, read in parts, have the bits of rows that lie in memory', async () => {
  const [models, samples, classes] = [130, 18, 2_100]; // 16 rows of each model take more than 4 M floats
  const patterns = Array.from({ length: models }, (_, k) =>
    Uint16Array.from({ length: samples * classes }, (_, i) => 0x3c00 + ((i * (k + 1) * 7919) % 0x800)),
  );
  for (const pattern of patterns) pattern[5 * classes + 2_099] = 0x6400; // 1024, far from the label’s, in the last part
  const wide = patterns.map((pattern) =>
    float32Logits(Array.from(pattern, (bits) => (1 + (bits & 0x3ff) / 1024) * 2 ** ((bits >> 10) - 15))),
  );
  const narrow = patterns.map((pattern): LogitsArray => ({ dtype: 'F16', source: bytesOf(pattern) }));
  const labels = Int32Array.from({ length: samples }, (_, m) => (m * 1_999) % classes);
  const mixtures = Float64Array.from({ length: models * 3 }, (_, i) => 1 + (i % 5 === 0 && i > models ? 1 : 0));
  const [inParts, whole] = [narrow, wide].map((logits) => ({ logits, samples, classes, labels, mixtures }));
  for (const backend of backends) {
    expect(await backend.crossEntropy({ ...inParts, gradient: true } as CrossEntropyRequest)).toEqual(
      await backend.crossEntropy({ ...whole, gradient: true } as CrossEntropyRequest),
    );
    const bounds = [];
    for (const request of [inParts, whole] as CrossEntropyRequest[]) {
      const bank = await backend.openCrossEntropyBank({ ...request, ratio: 0.5 });
      bounds.push({ rows: bank.rows, far: bank.farSamples, ...(await bank.bounds(mixtures)) });
    }
    expect(bounds[0]).toEqual(bounds[1]);
    expect(bounds[0]?.far).toBe(1);
  }
});

it('2^t stays within 4 units of 2^−24 and is exact at 0', () => {
  expect(exp2Near(0)).toBe(1);
  expect(exp2Near(-0)).toBe(1);
  let worst = 0;
  for (let i = 0; i < 400_000; i++) {
    const t = Math.fround((i / 200_000 - 1) * 120);
    worst = Math.max(worst, Math.abs(exp2Near(t) / 2 ** t - 1) * 2 ** 24);
  }
  expect(worst).toBeLessThan(4);
});
