import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type AverageTensor,
  type Backend,
  type CrossEntropyRequest,
  FLOAT_BYTES,
  type FloatDtype,
} from '../lib/backend.js';
import { listBackends, openBackend } from '../lib/index.js';
import { float32Logits } from './logits.js';
import { outputOf, tensor } from './tensors.js';

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
  ['F16', 10, 31],
  ['BF16', 7, 255],
  ['F32', 23, 255],
] as const)(
  'all backends take means of %s to the same bits, however far its exponents lie apart',
  async (dtype, fractionBits, infinite) => {
    const request = fc.record({
      ingredients: fc.integer({ min: 1, max: 17 }),
      elements: fc.constantFrom(64, 257, 1025),
      least: fc.integer({ min: 0, max: infinite - 1 }),
      range: fc.integer({ min: 1, max: 18 }),
      zeros: fc.boolean(),
      seed: fc.integer({ min: 1, max: 2 ** 31 }),
    });
    const property = fc.asyncProperty(request, async ({ ingredients, elements, least, range, zeros, seed }) => {
      let state = seed;
      const below = (bound: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * bound);
      };
      const element = () => {
        const sign = below(2) * 2 ** (8 * FLOAT_BYTES[dtype] - 1);
        const rare = below(zeros ? 50 : 5000);
        if (rare === 0) return sign + (below(2) === 0 ? 0 : infinite * 2 ** fractionBits);
        const exponent = Math.min(least + below(range), infinite - 1);
        return sign + exponent * 2 ** fractionBits + below(2 ** fractionBits);
      };
      const numbers = () => Array.from({ length: elements }, element);
      const models = Array.from({ length: ingredients }, () =>
        dtype === 'F32' ? Uint32Array.from(numbers()) : Uint16Array.from(numbers()),
      );
      const weights = new Float64Array(2 * ingredients).fill(1);
      const request = (tensors: AverageTensor[]) => ({
        weights,
        divisors: new Float64Array(2).fill(ingredients),
        tensors,
      });
      const expected = tensor(dtype, models, 2);
      await reference.average(request([expected]));
      for (const backend of backends) {
        const alone = tensor(dtype, models);
        await backend.average({
          weights: weights.subarray(ingredients),
          divisors: Float64Array.of(ingredients),
          tensors: [alone],
        });
        const both = tensor(dtype, models, 2);
        await backend.average(request([both]));
        for (const output of [...alone.outputs, ...both.outputs])
          expect(Buffer.compare(output, outputOf(expected))).toBe(0);
      }
    });
    await fc.assert(property, { numRuns: 150 });
  },
);

it.each([
  ['F16', 10, 31],
  ['BF16', 7, 255],
] as const)(
  'all backends round a mean of %s by the last bit of its smallest ingredient',
  async (dtype, f, infinite) => {
    const bits = (sign: number, exponent: number, fraction: number) => sign * 2 ** 15 + exponent * 2 ** f + fraction;
    // Without d and −2^small the mean is the middle between two numbers, the lower of them even; those leave 2^(small − f).
    const columns = [...Array(24).keys()].flatMap((gap) =>
      [...Array(infinite).keys()].slice(gap + 1).map((large) => {
        const a = bits(0, large, 2 ** f - 1);
        const d = bits(0, large - gap, 1);
        return [a, a, a, d, bits(1, large - gap, 0), bits(1, large, 3), bits(0, large, 9), bits(1, large, 9)];
      }),
    );
    const tensors = () =>
      columns.map((column) =>
        tensor(
          dtype,
          column.map((element) => new Uint16Array(64).fill(element)),
        ),
      );
    const request = { weights: new Float64Array(8).fill(1), divisors: Float64Array.of(8) };
    const expected = tensors();
    await reference.average({ ...request, tensors: expected });
    for (const backend of backends) {
      const found = tensors();
      await backend.average({ ...request, tensors: found });
      expect(found.map(outputOf)).toEqual(expected.map(outputOf));
    }
  },
);

it.each([1, 3, 11])('all backends count and rank for top %i what the reference does', async (top) => {
  const [models, samples, classes] = [5, 777, 11];
  const random = fc.sample(fc.float({ noNaN: true, min: -30, max: 30 }), {
    numRuns: models * samples * classes,
    seed: 7,
  });
  const logits = Array.from({ length: models }, (_, k) =>
    float32Logits(random.slice(k * samples * classes, (k + 1) * samples * classes)),
  );
  const labels = Int32Array.from({ length: samples }, (_, m) => (m * 5) % classes);
  const mixtures = Float64Array.from({ length: models * 31 }, (_, i) =>
    (Math.floor(i / models) + 1) & (1 << (i % models)) ? 1 + (i % 3) : 0,
  );
  const answers = async (backend: Backend) => {
    const bank = await backend.openBank({ logits, samples, classes, labels, top });
    const { subsets, correct: right, lowest, highest, total } = await bank.allSubsets({ keep: 31, lambda: 0.001 });
    return {
      counts: await bank.count(mixtures),
      correct: await bank.correct(mixtures.subarray(30 * models)),
      ranking: { subsets, right },
      bySize: [lowest, highest, total].map((sizes) => sizes.subarray(1)), // of size 0 there is none
    };
  };
  const expected = await answers(reference);
  for (const backend of backends) expect(await answers(backend)).toEqual(expected);
});

it('all backends have the reference’s exp and log where logits lie far apart', async () => {
  // The logits of either model are far from the label's; mixed, they differ by x. With label 1, the loss is log(1 + exp(−x)).
  const steps = 500;
  for (let step = 0; step < steps; step++) {
    const x = 720 * ((step + 1) / steps) ** 4;
    const request: CrossEntropyRequest = {
      logits: [float32Logits([-x - 100, 0]), float32Logits([-x + 100, 0])],
      samples: 1,
      classes: 2,
      labels: Int32Array.of(step % 2),
      mixtures: Float64Array.of(1, 1),
      gradient: true,
    };
    const expected = await reference.crossEntropy(request);
    for (const backend of backends) expect(await backend.crossEntropy(request)).toEqual(expected);
  }
});
