import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FLOAT_BYTES, type FloatDtype, type Measure } from '../lib/backend.js';
import { listBackends, openBackend } from '../lib/index.js';
import { outputOf, tensor } from './tensors.js';

const cpu = openBackend('cpu');
const backends = listBackends()
  .filter(({ available }) => available)
  .map(({ name }) => openBackend(name));
const reference = openBackend('reference');

it.each(Object.keys(FLOAT_BYTES) as FloatDtype[])(
  'all backends average any %s bytes to the same bits, one output or two',
  async (dtype) => {
    const request = fc
      .record({ ingredients: fc.integer({ min: 1, max: 4 }), elements: fc.constantFrom(1, 7, 257, 1025) })
      .chain(({ ingredients, elements }) => {
        const size = elements * FLOAT_BYTES[dtype];
        const list = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: ingredients, maxLength: ingredients });
        return fc.record({
          bytes: list(fc.uint8Array({ minLength: size, maxLength: size })),
          weights: list(fc.double({ min: 2 ** -1074, max: Number.MAX_VALUE, noNaN: true })),
          divisor: fc.double({ min: 2 ** -1074, max: Number.MAX_VALUE, noNaN: true }),
          isUniform: fc.boolean(),
        });
      });
    const property = fc.asyncProperty(request, async ({ bytes, weights, divisor, isUniform }) => {
      const row = isUniform ? weights.map(() => 1) : weights;
      const scale = isUniform ? weights.length : divisor;
      const expected = tensor(dtype, bytes);
      await reference.average({
        weights: Float64Array.from(row),
        divisors: Float64Array.of(scale),
        tensors: [expected],
      });
      for (const backend of backends) {
        for (const count of [1, 2]) {
          const one = tensor(dtype, bytes, count);
          const all = Array.from({ length: count }, () => row).flat();
          const divisors = new Float64Array(count).fill(scale);
          await backend.average({ weights: Float64Array.from(all), divisors, tensors: [one] });
          for (const output of one.outputs) expect(Buffer.compare(output, outputOf(expected))).toBe(0);
        }
      }
    });
    await fc.assert(property, { numRuns: 100 });
  },
);

it.each([
  { kind: 'top', k: 1 },
  { kind: 'top', k: 3 },
  { kind: 'top', k: 11 },
  { kind: 'cross-entropy' },
] satisfies Measure[])('the addon and the reference score to the same bits: %o', async (measure) => {
  const [models, samples, classes] = [5, 777, 11];
  const random = fc.sample(fc.float({ noNaN: true, min: -30, max: 30 }), {
    numRuns: models * samples * classes,
    seed: 7,
  });
  const logits = Array.from({ length: models }, (_, k) =>
    Float32Array.from(random.slice(k * samples * classes, (k + 1) * samples * classes)),
  );
  const labels = Int32Array.from({ length: samples }, (_, m) => (m * 5) % classes);
  const mixtures = Float64Array.from({ length: models * 31 }, (_, i) =>
    (Math.floor(i / models) + 1) & (1 << (i % models)) ? 1 + (i % 3) : 0,
  );
  const request = { logits, samples, classes, labels, mixtures, measure };
  expect(await cpu.score(request)).toEqual(await reference.score(request));
});

it('the addon’s exp and log have the reference’s bits wherever a cross-entropy takes them', async () => {
  // Two classes: the loss of the larger is log(1 + exp(−x)), that of the smaller adds x.
  const samples = 20_000;
  const logits = [
    Float32Array.from({ length: 2 * samples }, (_, i) => (i % 2 ? 0 : -720 * ((i + 1) / (2 * samples)) ** 4)),
  ];
  for (let label = 0; label < 2; label++) {
    const labels = new Int32Array(1).fill(label);
    const mixtures = Float64Array.of(1);
    for (const [start, count] of [
      [0, 256],
      [9_000, 256],
      [15_000, 256],
      [19_700, 256],
    ] as const) {
      for (let sample = start; sample < start + count; sample++) {
        const row = [(logits[0] as Float32Array).subarray(2 * sample, 2 * sample + 2)];
        const request = {
          logits: row,
          samples: 1,
          classes: 2,
          labels,
          mixtures,
          measure: { kind: 'cross-entropy' },
        } as const;
        expect(await cpu.score(request)).toEqual(await reference.score(request));
      }
    }
  }
});
