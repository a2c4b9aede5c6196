import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend, RunOptions } from '../lib/backend.js';
import { openBackend } from '../lib/index.js';

const reference = openBackend('reference');

/** A call that would take far longer than a test. */
export const endlessPredict = async (backend: Backend) => {
  const logits = new Float32Array(2 ** 24);
  return async (options: RunOptions) => {
    for (;;) await backend.predict({ logits, classes: 2 ** 10 }, options);
  };
};

/** Logits of all sizes, with ties, at an address that is a multiple of 4 only. */
function logitsOf(samples: number, classes: number, seed: number, scale: number): Float32Array {
  const logits = new Float32Array(samples * classes + 1).subarray(1);
  return logits.map((_, i) => (scale * ((Math.imul(i + 1, 0x9e3779b1 + 977 * seed) >>> 8) % 41)) / 10 - scale);
}

/** What every backend's `predict` must do. */
export function describePredict(open: () => Backend): void {
  describe('predict', () => {
    it.each([1, 2, 7, 16, 17, 100, 1_003])(
      'finds the largest of %i logits and adds the exponentials',
      async (classes) => {
        const samples = 31;
        const logits = logitsOf(samples, classes, 3, 2);
        const { predicted, sums } = await open().predict({ logits, classes });
        for (let m = 0; m < samples; m++) {
          const row = Array.from(logits.subarray(m * classes, (m + 1) * classes));
          const most = Math.max(...row);
          expect(predicted[m]).toBe(row.indexOf(most));
          const exact = row.map((logit) => Math.exp(logit - most)).reduce((sum, value) => sum + value, 0);
          expect(Math.abs((sums[m] as number) - exact)).toBeLessThanOrEqual(2 * classes * (classes + 1) * 2 ** -52);
        }
      },
    );

    it('gives ties to the lowest class, zeros of either sign among them', async () => {
      const logits = Float32Array.of(-0, 0, -1, 5, 7, 7, 0, -0, -0);
      const { predicted, sums } = await open().predict({ logits, classes: 3 });
      expect([...predicted]).toEqual([0, 1, 0]);
      expect(sums[2]).toBe(3);
    });

    it('adds the same in any order of the classes', async () => {
      const logits = logitsOf(50, 1_003, 5, 3);
      const { sums } = await open().predict({ logits, classes: 1_003 });
      expect((await open().predict({ logits: logits.slice().reverse(), classes: 1_003 })).sums).toEqual(sums.reverse());
    });

    it('has the reference’s bits for any finite logits, by 1, 2 and 7 threads', async () => {
      const property = fc.asyncProperty(
        fc.record({
          samples: fc.constantFrom(0, 1, 5, 300),
          classes: fc.constantFrom(1, 2, 3, 15, 16, 33, 257),
          seed: fc.nat(1000),
          scale: fc.constantFrom(1e-40, 0.1, 30, 800, 3e38),
        }),
        async ({ samples, classes, seed, scale }) => {
          const request = { logits: logitsOf(samples, classes, seed, scale), classes };
          const expected = await reference.predict(request);
          for (const threads of [1, 2, 7]) expect(await open().predict(request, { threads })).toEqual(expected);
        },
      );
      await fc.assert(property, { numRuns: 40 });
    });

    it.each<[string, { logits: unknown; classes: unknown }, ErrorConstructor]>([
      ['no classes', { logits: new Float32Array(4), classes: 0 }, RangeError],
      ['part of a sample', { logits: new Float32Array(4), classes: 3 }, RangeError],
      ['logits of another type', { logits: new Float64Array(4), classes: 2 }, TypeError],
    ])('refuses %s', async (_, request, kind) => {
      await expect(open().predict(request as never)).rejects.toThrow(kind);
    });
  });
}
