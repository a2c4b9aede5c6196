import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend, CrossEntropyBankRequest, CrossEntropyRequest, RunOptions } from '../lib/backend.js';
import { entropyRequest, exactCrossEntropy, float32Logits, mixtureRows, similarModels } from './logits.js';

/** A call that takes far longer than a test, made ready on a backend. */
export async function endlessBounds(backend: Backend): Promise<(options: RunOptions) => Promise<unknown>> {
  const request = similarModels({ models: 3, samples: 300, classes: 20 });
  const bank = await backend.openCrossEntropyBank({ ...request, ratio: 1e-9 });
  return (options) => bank.bounds(new Float64Array(3 * 300_000).fill(1), options);
}

/** What every backend's `openCrossEntropyBank` must do. */
export function describeCrossEntropyBank(open: () => Backend): void {
  const small = (values: Partial<CrossEntropyBankRequest> = {}): CrossEntropyBankRequest => ({
    logits: [float32Logits([1, 2, 3, 4]), float32Logits([2, 1, 0, 4])],
    samples: 2,
    classes: 2,
    labels: Int32Array.of(0, 1),
    ...values,
  });

  /** @throws unless the bounds enclose the float64 total of each mixture */
  const expectEnclosed = async (request: CrossEntropyRequest, ratio: number) => {
    const bank = await open().openCrossEntropyBank({ ...request, ratio });
    const { lower, upper } = await bank.bounds(request.mixtures);
    bank.close();
    for (const [s, p] of mixtureRows(request).entries()) {
      const { total } = exactCrossEntropy({ ...request, gradient: false }, p);
      const slack = 1e-13 * Math.abs(total); // of the oracle
      expect(lower[s]).toBeLessThanOrEqual(total + slack);
      expect(upper[s]).toBeGreaterThanOrEqual(total - slack);
    }
    return { bank, lower, upper };
  };

  describe('the bank for cross-entropy', () => {
    it('encloses the definition in float64, whatever is dropped', async () => {
      const property = fc.asyncProperty(
        entropyRequest(),
        fc.constantFrom(1, 0.1, 1e-3, 1e-9),
        async (request, ratio) => {
          await expectEnclosed(request, ratio);
        },
      );
      await fc.assert(property, { numRuns: 100 });
    });

    it('encloses it narrowly for models that agree, while it keeps few classes', async () => {
      const request = similarModels({ models: 7, samples: 100, classes: 200 });
      for (const [ratio, width, kept] of [
        [1e-2, 2e-2, 0.5],
        [1e-4, 4e-3, 0.95],
      ] as const) {
        const { bank, lower, upper } = await expectEnclosed(request, ratio);
        expect(bank.rows).toBeLessThan(kept * 100 * 200);
        expect(bank.rows).toBeGreaterThanOrEqual(100);
        for (const [s, value] of lower.entries()) expect(((upper[s] as number) - value) / 100).toBeLessThan(width);
      }
    });

    it('keeps every class where the ratio is tiny, and is then exact to rounding', async () => {
      const request = similarModels({ models: 3, samples: 50, classes: 90 });
      const { bank, lower, upper } = await expectEnclosed(request, 1e-30);
      expect(bank.rows).toBe(50 * 90);
      for (const [s, value] of lower.entries()) expect(((upper[s] as number) - value) / 50).toBeLessThan(3e-4);
    });

    it('encloses losses that are next to nothing, of samples far away', async () => {
      const logits = [
        [-838, -5.98],
        [8.78, 403],
        [-6.12, 546],
      ].map(float32Logits);
      const mixtures = Float64Array.of(0, 1, 0, 1, 1, 1 / 3, 1, 1 / 3, 1);
      await expectEnclosed({ logits, samples: 1, classes: 2, labels: Int32Array.of(1), mixtures }, 1e-3);
    });

    it('says what it is made of', async () => {
      const bank = await open().openCrossEntropyBank(small());
      expect(bank).toMatchObject({ models: 2, samples: 2, classes: 2, rows: 4, farSamples: 0 });
      expect(bank.bytes).toBeGreaterThan(0);
    });

    it('has the same bits for 1, 2 and 7 threads, and bounds in one call what it bounds in several', async () => {
      const request = similarModels({ models: 5, samples: 700, classes: 40, mixtures: 40 });
      const bounds = [];
      for (const threads of [1, 2, 7]) {
        const bank = await open().openCrossEntropyBank(request, { threads });
        bounds.push(await bank.bounds(request.mixtures, { threads }));
        const one = await bank.bounds(request.mixtures.subarray(5 * 17, 5 * 18), { threads });
        expect([one.lower[0], one.upper[0]]).toEqual([bounds[0]?.lower[17], bounds[0]?.upper[17]]);
      }
      expect(bounds[1]).toEqual(bounds[0]);
      expect(bounds[2]).toEqual(bounds[0]);
    });

    it('bounds no mixtures, and no samples by 0', async () => {
      const bank = await open().openCrossEntropyBank(small());
      expect(await bank.bounds(new Float64Array(0))).toEqual({
        lower: new Float64Array(0),
        upper: new Float64Array(0),
      });
      const empty = small({ logits: [float32Logits([])], samples: 0, labels: new Int32Array(0) });
      const none = await open().openCrossEntropyBank(empty);
      expect(await none.bounds(Float64Array.of(1))).toEqual({ lower: Float64Array.of(0), upper: Float64Array.of(0) });
    });

    it('refuses what is wrong, by name', async () => {
      await expect(open().openCrossEntropyBank(small({ ratio: 0 }))).rejects.toThrow(
        'Expected a number above 1e-300 and at most 1 for ratio but received 0',
      );
      await expect(open().openCrossEntropyBank(small({ ratio: '1' as never }))).rejects.toThrow(TypeError);
      await expect(
        open().openCrossEntropyBank(small({ logits: [float32Logits([1, 2, Infinity, 4])] })),
      ).rejects.toThrow('Expected a finite number for logits[0] at sample 1, class 0 but received Infinity');
      const bank = await open().openCrossEntropyBank(small());
      await expect(bank.bounds(Float64Array.of(1))).rejects.toThrow(
        'Expected a multiple of 2 weights for mixtures but received 1',
      );
      await expect(bank.bounds(Float64Array.of(0, 0))).rejects.toThrow('Expected a finite sum above 0 for mixture 0');
    });

    it('closed, it refuses calls but finishes those that run', async () => {
      const request = similarModels({ models: 5, samples: 400, classes: 50, mixtures: 50 });
      const bank = await open().openCrossEntropyBank(request);
      const expected = await bank.bounds(request.mixtures);
      const running = bank.bounds(request.mixtures);
      bank.close();
      bank.close();
      await expect(bank.bounds(request.mixtures)).rejects.toThrow('Expected a bank that has not been closed');
      expect(await running).toEqual(expected);
    });
  });
}
