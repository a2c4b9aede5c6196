import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, CrossEntropyRequest, FloatDtype, LogitsArray, RunOptions } from '../lib/backend.js';
import { SourceError } from '../lib/index.js';
import {
  entropyRequest,
  exactCrossEntropy,
  exactLosses,
  exactSquaredErrors,
  float32Logits,
  mixtureRows,
} from './logits.js';
import { bytesOf } from './tensors.js';

/** A call that takes far longer than a test, and most of it in the middle of one sample, made ready on a backend. */
export async function endlessCrossEntropy(backend: Backend): Promise<(options: RunOptions) => Promise<unknown>> {
  const [samples, classes] = [100, 100_000];
  const logits = new Float32Array(samples * classes).map((_, i) => (i % 97) / 8);
  const model: LogitsArray = { dtype: 'F32', source: bytesOf(logits) };
  const labels = new Int32Array(samples);
  const mixtures = new Float64Array(3 * 20_000).fill(1);
  return (options) =>
    backend.crossEntropy({ logits: [model, model, model], samples, classes, labels, mixtures }, options);
}

/** What every backend's `crossEntropy` must do. */
export function describeCrossEntropy(open: () => Backend): void {
  const one = (values: Partial<CrossEntropyRequest>): CrossEntropyRequest => ({
    logits: [float32Logits([0, 0])],
    samples: 1,
    classes: 2,
    labels: Int32Array.of(0),
    mixtures: Float64Array.of(1),
    ...values,
  });

  /** What the contract allows a float32 total to be away from the float64 one. */
  const bound = (request: CrossEntropyRequest, p: readonly number[], farthest: readonly number[]) => {
    const positive = p.filter((value) => value > 0);
    const isUniform = positive.every((value) => value === positive[0]);
    const terms = isUniform ? p.length / 5 + 7 : p.length + 3;
    // The rounded difference decides: 64 + 2^-47 is 64.
    const ofSample = (x: number) => (Math.fround(x) <= 64 ? (terms * x + 25) * 2 ** -24 : 1e-12 * x);
    return farthest.reduce((sum, x) => sum + ofSample(x), 1e-13 * request.samples);
  };

  describe('cross-entropy', () => {
    it('stays within its bound of the definition in float64, and so does its gradient', async () => {
      const justOverNear = one({ logits: [float32Logits([64, -(2 ** -47)])], labels: Int32Array.of(1) });
      await fc.assert(
        fc.asyncProperty(entropyRequest(), async (request) => {
          const { totals, gradients } = await open().crossEntropy(request);
          for (const [s, p] of mixtureRows(request).entries()) {
            const exact = exactCrossEntropy(request, p);
            const allowed = bound(request, p, exact.farthest);
            expect(Math.abs((totals[s] as number) - exact.total)).toBeLessThanOrEqual(allowed);
            if (gradients === undefined) continue;
            for (const [k, derivative] of exact.gradient.entries()) {
              const largest = Math.max(0, ...exact.farthest);
              const found = gradients[s * p.length + k] as number;
              expect(Math.abs(found - derivative)).toBeLessThanOrEqual(2 * largest * allowed + 1e-10 * largest);
            }
          }
        }),
        { numRuns: 100, examples: [[justOverNear]] },
      );
    });

    it('has the gradient that finite differences show', async () => {
      const classes = 9;
      const [models, samples] = [3, 40];
      const values = (k: number) => Array.from({ length: samples * classes }, (_, i) => 5 * Math.sin(i * (k + 1) + k));
      const request = one({
        logits: Array.from({ length: models }, (_, k) => float32Logits(values(k))),
        samples,
        classes,
        labels: Int32Array.from({ length: samples }, (_, m) => (m * 5) % classes),
        mixtures: Float64Array.of(0.2, 0.5, 0.3),
        gradient: true,
      });
      const { gradients } = await open().crossEntropy(request);
      for (let k = 0; k < models; k++) {
        const total = (step: number) => {
          const p = [0.2, 0.5, 0.3];
          p[k] = (p[k] as number) + step;
          return exactCrossEntropy(request, p, false).total;
        };
        expect(gradients?.[k]).toBeCloseTo((total(1e-5) - total(-1e-5)) / 2e-5, 3);
      }
    });

    it('gives the totals of the single models, whatever else is in the request', async () => {
      const classes = 70;
      const each = [1, 2, 3].map((k) =>
        float32Logits(Array.from({ length: 300 * classes }, (_, i) => 9 * Math.sin(i * k))),
      );
      const labels = Int32Array.from({ length: 300 }, (_, m) => m % classes);
      const all = one({
        logits: each,
        samples: 300,
        classes,
        labels,
        mixtures: Float64Array.of(3, 0, 0, 0, 1, 0, 0, 0, 2),
      });
      const { totals } = await open().crossEntropy(all);
      for (const [k, model] of each.entries()) {
        const alone = await open().crossEntropy({ ...all, logits: [model], mixtures: Float64Array.of(1) });
        expect(alone.totals[0]).toBe(totals[k]);
      }
      const withGradient = await open().crossEntropy({ ...all, gradient: true });
      expect(withGradient.totals).toEqual(totals);
    });

    it('has the probabilities of the labels and the squared errors, and divides logits by temperatures, as the definition does', async () => {
      const temperature = fc.oneof(
        fc.constantFrom(1e-6, 0.2, 1, 3, 1e6),
        fc.double({ min: 0.05, max: 20, noNaN: true }),
      );
      const options = fc.record({
        isEqual: fc.boolean(),
        all: fc.array(temperature, { minLength: 11, maxLength: 11 }),
      });
      await fc.assert(
        fc.asyncProperty(entropyRequest(), options, async (drawn, { isEqual, all }) => {
          const request = { ...drawn, gradient: false };
          const temperatures = Float64Array.from(request.logits, (_, k) => all[isEqual ? 0 : k] as number);
          const probabilities = await open().crossEntropy({ ...request, temperatures, measure: 'probability' });
          const errors = await open().crossEntropy({ ...request, temperatures, measure: 'squared-error' });
          const losses = await open().crossEntropy({ ...request, temperatures });
          for (const [s, p] of mixtureRows(request).entries()) {
            const exact = exactLosses(request, p, temperatures);
            // Of z, whose float32 sums lose a relative 2^-24 in each of N + 3 steps, where |z| is at most 64, 512 or 40.
            const tolerance = (near: number) => exact.length * ((p.length + 3) * near + 25) * 2 ** -24;
            const total = exact.reduce((sum, loss) => sum + loss, 0);
            expect(Math.abs((losses.totals[s] as number) - total)).toBeLessThanOrEqual(tolerance(64) + 1e-10 * total);
            const sum = exact.reduce((partial, loss) => partial + Math.exp(-loss), 0);
            expect(Math.abs((probabilities.totals[s] as number) - sum)).toBeLessThanOrEqual(tolerance(512));
            // All z together move a sample's squared error by at most 4 of what they move; those of far logits lose digits in float64.
            const squared = exactSquaredErrors(request, p, temperatures);
            const allowed = squared.reduce(
              (all, { largest }) => all + Math.min(2, 16 * (p.length + 3) * largest * 2 ** -53),
              4 * tolerance(40),
            );
            const error = squared.reduce((all, one) => all + one.error, 0);
            expect(Math.abs((errors.totals[s] as number) - error)).toBeLessThanOrEqual(allowed);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('has squared errors from 0, of a label that is certain, to 2, of another class that is', async () => {
      const logits = [float32Logits([30, 0, 0, 0, 1000, 0, 3e38, 0, -3e38, 1, 1, 1])];
      const request = one({ logits, samples: 4, classes: 3, labels: Int32Array.of(0, 0, 0, 0) });
      const { totals } = await open().crossEntropy({ ...request, measure: 'squared-error' });
      expect(totals[0]).toBeCloseTo(0 + 2 + 0 + 2 / 3, 6);
    });

    it('tells the accuracy as the temperature falls, where nothing ties', async () => {
      const logits = [float32Logits([3, 1, 0, 0, 2, 1]), float32Logits([0, 1, 2, 1, 2, 0])];
      const request = one({ logits, samples: 2, classes: 3, labels: Int32Array.of(0, 2) });
      const mixtures = Float64Array.of(1, 0, 1, 1, 0, 1);
      for (const [temperature, expected] of [
        [1e-3, [1, 1, 0]],
        [1e6, [2 / 3, 2 / 3, 2 / 3]],
      ] as const) {
        const temperatures = Float64Array.of(temperature, temperature);
        const found = await open().crossEntropy({ ...request, mixtures, temperatures, measure: 'probability' });
        for (const [s, probability] of expected.entries()) expect(found.totals[s]).toBeCloseTo(probability, 5);
      }
    });

    it('refuses measures, temperatures and gradients that make no sense', async () => {
      const call = (values: object) => open().crossEntropy(one(values));
      await expect(call({ measure: 'likelihood' })).rejects.toThrow(
        'Expected loss, probability or squared-error for measure',
      );
      await expect(call({ temperatures: [1] })).rejects.toThrow(TypeError);
      await expect(call({ temperatures: Float64Array.of(1, 1) })).rejects.toThrow(
        'Expected 1 numbers for temperatures',
      );
      for (const value of [0, -1, NaN, Infinity, 1e-7]) {
        await expect(call({ temperatures: Float64Array.of(value) })).rejects.toThrow(
          'Expected a number in [0.000001, 1000000] for temperatures[0]',
        );
      }
      for (const values of [
        { measure: 'probability' },
        { measure: 'squared-error' },
        { temperatures: Float64Array.of(1) },
      ]) {
        await expect(call({ ...values, gradient: true })).rejects.toThrow(
          'Expected losses without temperatures for gradient but received true',
        );
      }
    });

    it('takes any dtype and source to the same bits', async () => {
      const values = Array.from({ length: 40 * 6 }, (_, i) => ((i * 37) % 64) / 8); // exact in every dtype
      const labels = Int32Array.from({ length: 40 }, (_, m) => m % 6);
      const arrays: [FloatDtype, NodeJS.TypedArray][] = [
        ['F64', Float64Array.from(values)],
        ['F32', Float32Array.from(values)],
        ['F16', Uint16Array.from(values, (value) => sixteenBits(value, 10, 15))],
        ['BF16', Uint16Array.from(values, (value) => sixteenBits(value, 7, 127))],
      ];
      const totals = [];
      for (const [dtype, array] of arrays) {
        const logits = [{ dtype, source: bytesOf(array) }, float32Logits(values.toReversed())];
        const request = one({ logits, samples: 40, classes: 6, labels, mixtures: Float64Array.of(1, 1, 1, 2) });
        totals.push((await open().crossEntropy(request)).totals);
      }
      for (const other of totals) expect(other).toEqual(totals[0]);
    });

    it('rounds float64 logits to float32 first', async () => {
      const rounded = one({ logits: [float32Logits([0.1, 0.7])] });
      const wide = one({ logits: [{ dtype: 'F64', source: bytesOf(Float64Array.of(0.1, 0.7)) }] });
      expect(await open().crossEntropy(wide)).toEqual(await open().crossEntropy(rounded));
    });

    it('gives log C for equal logits and large finite losses for far ones', async () => {
      const equal = await open().crossEntropy(one({ logits: [float32Logits(Array(10).fill(3e38))], classes: 10 }));
      expect(equal.totals[0]).toBeCloseTo(Math.log(10), 14);
      const far = await open().crossEntropy(one({ logits: [float32Logits([-3e38, 3e38])], gradient: true }));
      expect(far.totals[0]).toBe(2 * Math.fround(3e38));
      expect(far.gradients?.[0]).toBe(2 * Math.fround(3e38));
    });

    it('returns nothing for no mixtures and 0 for no samples', async () => {
      expect((await open().crossEntropy(one({ mixtures: new Float64Array(0) }))).totals.length).toBe(0);
      const empty = { logits: [float32Logits([])], samples: 0, labels: new Int32Array(0), gradient: true };
      expect(await open().crossEntropy(one({ ...empty, classes: 2 ** 31 }))).toEqual({
        totals: Float64Array.of(0),
        gradients: Float64Array.of(0),
      });
    });

    it.each([NaN, Infinity, -Infinity])(
      'names model, sample and class of the first logit that is %s',
      async (value) => {
        const each = [0, 1, 2].map(() => new Float32Array(5 * 400));
        for (const [model, index] of [
          [2, 3],
          [1, 1999],
          [1, 1777],
        ] as const)
          (each[model] as Float32Array)[index] = value;
        const logits = each.map((array): LogitsArray => ({ dtype: 'F32', source: bytesOf(array) }));
        const request = one({
          logits,
          samples: 400,
          classes: 5,
          labels: new Int32Array(400),
          mixtures: Float64Array.of(1, 1, 1),
        });
        await expect(open().crossEntropy(request, { threads: 2 })).rejects.toThrow(
          `Expected a finite number for logits[1] at sample 355, class 2 but received ${value}`,
        );
      },
    );

    it('names a float64 logit that is infinite as float32', async () => {
      const logits = [{ dtype: 'F64' as const, source: bytesOf(Float64Array.of(0, 1e300)) }];
      await expect(open().crossEntropy(one({ logits }))).rejects.toThrow(
        'Expected a finite number for logits[0] at sample 0, class 1 but received Infinity',
      );
    });

    it('refuses logits and labels of another size', async () => {
      const call = (values: Partial<CrossEntropyRequest>) => open().crossEntropy(one(values));
      await expect(call({ logits: [float32Logits([1])] })).rejects.toThrow(
        'Expected 8 bytes for logits[0].source but received 4',
      );
      await expect(call({ labels: Int32Array.of(2) })).rejects.toThrow(
        'Expected an integer in [0, 2) for labels[0] but received 2',
      );
      await expect(call({ gradient: 1 as unknown as boolean })).rejects.toThrow(TypeError);
      await expect(call({ logits: [{ dtype: 'F32', source: { fd: 0, offset: 0, byteLength: 4 } }] })).rejects.toThrow(
        'Expected 8 bytes for logits[0].source but received 4',
      );
    });

    describe('from files', () => {
      let folder: string;
      beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), 'radin-logits-'));
      });
      afterAll(() => rmSync(folder, { recursive: true }));

      /** Calls with the logits in a file that begins with 3 other bytes. */
      const withFile = async <T>(
        values: number[],
        use: (array: LogitsArray, path: string) => Promise<T>,
      ): Promise<T> => {
        const path = join(folder, 'logits');
        const bytes = bytesOf(Float32Array.from(values));
        writeFileSync(path, Buffer.concat([Buffer.from('abc'), bytes]));
        const fd = openSync(path, 'r');
        try {
          return await use({ dtype: 'F32', source: { fd, offset: 3, byteLength: bytes.length } }, path);
        } finally {
          closeSync(fd);
        }
      };

      it.each([
        [3, 100],
        [2, 600],
        [700, 33],
      ])('has the bits of memory: %i classes, %i samples', async (classes, samples) => {
        const values = Array.from({ length: samples * classes }, (_, i) => 7 * Math.sin(i * i));
        const request = one({
          logits: [float32Logits(values.toReversed()), float32Logits(values)],
          samples,
          classes,
          labels: Int32Array.from({ length: samples }, (_, m) => (m * 11) % classes),
          mixtures: Float64Array.of(1, 1, 2, 1),
        });
        const fromMemory = await open().crossEntropy(request);
        const fromFile = await withFile(values, (file) =>
          open().crossEntropy({ ...request, logits: [request.logits[0] as LogitsArray, file] }),
        );
        expect(fromFile).toEqual(fromMemory);
      });

      it('a file that ends early is an error that names it', async () => {
        const error = await withFile([1, 2, 3, 4], async (file, path) => {
          truncateSync(path, 13);
          const logits = [float32Logits([1, 2, 3, 4]), file];
          const request = one({ logits, samples: 2, labels: Int32Array.of(0, 1), mixtures: Float64Array.of(1, 1) });
          return open()
            .crossEntropy(request)
            .catch((reason) => reason);
        });
        expect(error).toBeInstanceOf(SourceError);
        expect(error).toMatchObject({ source: 1, position: 13, problem: 'ended' });
      });
    });
  });
}

/** A non-negative number that the format holds exactly, as the bits of its fraction and exponent. */
function sixteenBits(value: number, fractionBits: number, bias: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + bias) << fractionBits) + (value / 2 ** exponent - 1) * 2 ** fractionBits;
}
