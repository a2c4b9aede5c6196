import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend, Measure, ScoreRequest } from '../lib/backend.js';

/** Any finite float32, small integers among them so that sums tie exactly. */
const logit = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.float({ noNaN: true, noDefaultInfinity: true }));
const weight = fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 1e-6, max: 1e6, noNaN: true }));

/** Requests of awkward sizes; the first weight of each mixture is made positive where all are 0. */
const request = (measure: (classes: number) => Measure): fc.Arbitrary<ScoreRequest> =>
  fc
    .record({
      models: fc.integer({ min: 1, max: 4 }),
      samples: fc.constantFrom(0, 1, 7, 255, 257),
      classes: fc.constantFrom(1, 2, 5),
      mixtures: fc.integer({ min: 0, max: 4 }),
    })
    .chain(({ models, samples, classes, mixtures }) => {
      const list = <T>(value: fc.Arbitrary<T>, length: number) =>
        fc.array(value, { minLength: length, maxLength: length });
      return fc.record({
        logits: list(
          list(logit, samples * classes).map((values) => Float32Array.from(values)),
          models,
        ),
        samples: fc.constant(samples),
        classes: fc.constant(classes),
        labels: list(fc.integer({ min: 0, max: classes - 1 }), samples).map((values) => Int32Array.from(values)),
        mixtures: list(list(weight, models), mixtures).map((rows) =>
          Float64Array.from(rows.flatMap((row) => (row.some((p) => p > 0) ? row : [1, ...row.slice(1)]))),
        ),
        measure: fc.constant(measure(classes)),
      });
    });

/** Sample m's mixed logits by the definition, for weights a. */
function mixed({ logits, classes }: ScoreRequest, a: readonly number[], sample: number): number[] {
  return Array.from({ length: classes }, (_, c) => {
    const terms = logits.flatMap((model, k) =>
      a[k] === 0 ? [] : [(a[k] as number) * (model[sample * classes + c] as number)],
    );
    return terms.reduce((sum, term) => sum + term);
  });
}

function rows({ mixtures, logits }: ScoreRequest): number[][] {
  return Array.from({ length: mixtures.length / logits.length }, (_, s) => [
    ...mixtures.subarray(s * logits.length, (s + 1) * logits.length),
  ]);
}

/** The oracle of `top`: sort the classes by falling logit (a stable sort keeps the lowest class first among equals). */
function countInTop(request: ScoreRequest, p: readonly number[], k: number): number {
  const a = p.map((value) => value / Math.max(...p));
  return Array.from(request.labels).filter((label, sample) => {
    const z = mixed(request, a, sample);
    const order = z
      .map((_, c) => c)
      .sort((left, right) =>
        (z[right] as number) > (z[left] as number) ? 1 : (z[right] as number) < (z[left] as number) ? -1 : 0,
      );
    return order.slice(0, k).includes(label);
  }).length;
}

/** The oracle of cross-entropy, with the system's exp and log. */
function crossEntropy(request: ScoreRequest, p: readonly number[]): number {
  const total = p.reduce((sum, value) => sum + value);
  const a = p.map((value) => value / total);
  return Array.from(request.labels).reduce((sum, label, sample) => {
    const z = mixed(request, a, sample);
    const largest = Math.max(...z);
    const denominator = z.reduce((partial, value) => partial + Math.exp(value - largest), 0);
    return sum + Math.log(denominator) + (largest - (z[label] as number));
  }, 0);
}

/** What every backend's `score` must do. */
export function describeScore(open: () => Backend): void {
  const one = (values: Partial<ScoreRequest>): ScoreRequest => ({
    logits: [Float32Array.of(0, 0)],
    samples: 1,
    classes: 2,
    labels: Int32Array.of(0),
    mixtures: Float64Array.of(1),
    measure: { kind: 'top', k: 1 },
    ...values,
  });

  describe('score', () => {
    it.each([
      ['1', () => 1],
      ['up to 3', (classes: number) => Math.min(3, classes)],
      ['C', (classes: number) => classes],
    ] as const)('counts for top %s what sorting the classes counts', async (_, k) => {
      const property = fc.asyncProperty(
        request((classes) => ({ kind: 'top', k: k(classes) })),
        async (request) => {
          const expected = rows(request).map((p) => countInTop(request, p, k(request.classes)));
          expect([...(await open().score(request))]).toEqual(expected);
        },
      );
      await fc.assert(property, { numRuns: 60 });
    });

    it('adds up cross-entropy as the definition with the system’s exp and log does', async () => {
      const property = fc.asyncProperty(
        request(() => ({ kind: 'cross-entropy' })),
        async (request) => {
          const totals = await open().score(request);
          for (const [s, p] of rows(request).entries()) {
            const expected = crossEntropy(request, p);
            const tolerance = 1e-13 * Math.max(1, expected, request.samples);
            expect(Math.abs((totals[s] as number) - expected)).toBeLessThanOrEqual(tolerance);
          }
        },
      );
      await fc.assert(property, { numRuns: 60 });
    });

    it('counts every sample for k = C', async () => {
      const labels = Int32Array.from({ length: 300 }, (_, m) => m % 3);
      const logits = [Float32Array.from({ length: 900 }, (_, i) => Math.sin(i))];
      expect([
        ...(await open().score(one({ logits, samples: 300, classes: 3, labels, measure: { kind: 'top', k: 3 } }))),
      ]).toEqual([300]);
    });

    it('gives an exact tie to the lowest class', async () => {
      const logits = [Float32Array.of(1, 1, 1, 1)];
      for (const k of [1, 3, 4]) {
        const counts = await Promise.all(
          [0, 1, 2, 3].map((label) =>
            open().score(one({ logits, classes: 4, labels: Int32Array.of(label), measure: { kind: 'top', k } })),
          ),
        );
        expect(counts.map(([count]) => count)).toEqual([0, 1, 2, 3].map((label) => (label < k ? 1 : 0)));
      }
    });

    it('treats 0 and −0 as a tie', async () => {
      const logits = [Float32Array.of(-0, 0, 0, -0)];
      expect([...(await open().score(one({ logits, samples: 2, labels: Int32Array.of(0, 1) })))]).toEqual([1]);
    });

    it('makes and breaks no tie of a uniform subset, at any size of p', async () => {
      // Float32 numbers whose sums are equal exactly: 0.1 + 0.2 + 0.3 in three orders, beside one class that is an ulp more.
      const [a, b, c] = [Math.fround(0.1), Math.fround(0.2), Math.fround(0.3)];
      const nudge = c + 2 ** -25;
      const logits = [
        Float32Array.of(a, b, c, a, b, nudge),
        Float32Array.of(b, c, a, b, c, a),
        Float32Array.of(c, a, b, c, a, b),
      ];
      for (const p of [1, 1 / 3, 0.1, 1e-300]) {
        const request = one({
          logits,
          samples: 2,
          classes: 3,
          labels: Int32Array.of(0, 2),
          mixtures: Float64Array.of(p, p, p),
        });
        expect([...(await open().score(request))]).toEqual([2]);
        expect([...(await open().score({ ...request, labels: Int32Array.of(1, 0) }))]).toEqual([0]);
      }
    });

    it('tells logits apart that differ by one float64 ulp after mixing', async () => {
      // z = (1 + 2^−52, 1): the first weight is 1, the second 2^−52.
      const logits = [Float32Array.of(1, 1), Float32Array.of(0, 1)];
      const mixtures = Float64Array.of(1, 2 ** -52);
      expect([...(await open().score(one({ logits, labels: Int32Array.of(1), mixtures })))]).toEqual([1]);
      expect([...(await open().score(one({ logits, labels: Int32Array.of(0), mixtures })))]).toEqual([0]);
    });

    it('skips a model of weight 0 and scores a mixture of one model as that model', async () => {
      const logits = [0, 1, 2].map((k) => Float32Array.from({ length: 600 }, (_, i) => Math.cos(i * (k + 1))));
      const labels = Int32Array.from({ length: 300 }, (_, m) => m % 2);
      for (const measure of [{ kind: 'top', k: 1 }, { kind: 'cross-entropy' }] as const) {
        const all = one({
          logits,
          samples: 300,
          labels,
          measure,
          mixtures: Float64Array.of(3, 0, 0, 0, 0.2, 0, 0, 0, 1),
        });
        const alone = logits.map((model) => open().score({ ...all, logits: [model], mixtures: Float64Array.of(1) }));
        expect([...(await open().score(all))]).toEqual((await Promise.all(alone)).map(([total]) => total));
      }
    });

    it('gives log C for equal logits and large finite losses for far ones', async () => {
      const measure = { kind: 'cross-entropy' } as const;
      const [uniform] = await open().score(one({ logits: [new Float32Array(10)], classes: 10, measure }));
      expect(uniform).toBeCloseTo(Math.log(10), 14);
      const far = await open().score(one({ logits: [Float32Array.of(-3e38, 3e38)], measure }));
      expect(far[0]).toBe(2 * Math.fround(3e38));
    });

    it('returns nothing for no mixtures and 0 for no samples', async () => {
      expect(await open().score(one({ mixtures: new Float64Array(0) }))).toEqual(new Float64Array(0));
      const empty = { logits: [new Float32Array(0)], samples: 0, labels: new Int32Array(0) };
      expect(await open().score(one(empty))).toEqual(Float64Array.of(0));
      expect(await open().score(one({ ...empty, classes: Number.MAX_SAFE_INTEGER }))).toEqual(Float64Array.of(0));
    });

    it.each([NaN, Infinity, -Infinity])(
      'names the model, sample and class of the first logit that is %s',
      async (value) => {
        const logits = [0, 1, 2].map(() => new Float32Array(5 * 400));
        for (const [model, index] of [
          [2, 3],
          [1, 1999],
          [1, 1777],
        ] as const)
          (logits[model] as Float32Array)[index] = value;
        const request = one({
          logits,
          samples: 400,
          classes: 5,
          labels: new Int32Array(400),
          mixtures: Float64Array.of(1, 1, 1),
        });
        await expect(open().score(request, { threads: 2 })).rejects.toThrow(
          new RangeError(`Expected a finite number for logits[1] at sample 355, class 2 but received ${value}`),
        );
      },
    );
  });
}
