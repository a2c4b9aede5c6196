import { describe, expect, it } from 'vitest';
import type { Backend, BankRequest } from '../lib/backend.js';
import { float32Logits } from './logits.js';

/** What every backend's bank counts as correct, by examples whose answer is plain. */
export function describeCount(open: () => Backend): void {
  /** Correct samples of each mixture; one model unless `mixtures` says otherwise. */
  const count = async (
    models: readonly (readonly number[])[],
    { labels, top = 1, mixtures = [1] }: { labels: readonly number[]; top?: number; mixtures?: readonly number[] },
  ): Promise<number[]> => {
    const samples = labels.length;
    const request: BankRequest = {
      logits: models.map(float32Logits),
      samples,
      classes: (models[0]?.length ?? 0) / samples,
      labels: Int32Array.from(labels),
      top,
    };
    const bank = await open().openBank(request);
    const counts = await bank.count(Float64Array.from(mixtures));
    bank.close();
    return [...counts];
  };

  describe('a bank counts', () => {
    it('every sample where top is C', async () => {
      const logits = Array.from({ length: 900 }, (_, i) => Math.sin(i));
      const labels = Array.from({ length: 300 }, (_, m) => m % 3);
      expect(await count([logits], { labels, top: 3 })).toEqual([300]);
    });

    it.each([1, 3, 4])('the lowest classes of an exact tie, for top %i', async (top) => {
      const counts = await Promise.all([0, 1, 2, 3].map((label) => count([[1, 1, 1, 1]], { labels: [label], top })));
      expect(counts).toEqual([0, 1, 2, 3].map((label) => [label < top ? 1 : 0]));
    });

    it('0 and −0 as a tie', async () => {
      expect(await count([[-0, 0, 0, -0]], { labels: [0, 1] })).toEqual([1]);
    });

    it.each([1, 1 / 3, 0.1, 1e-300])(
      'the ties of a uniform subset as they are, where all its weights are %d',
      async (p) => {
        // Float32 numbers whose sums are equal exactly: 0.1 + 0.2 + 0.3 in three orders, beside one class that is an ulp more.
        const [a, b, c] = [Math.fround(0.1), Math.fround(0.2), Math.fround(0.3)];
        const nudge = c + 2 ** -25;
        const models = [
          [a, b, c, a, b, nudge],
          [b, c, a, b, c, a],
          [c, a, b, c, a, b],
        ];
        expect(await count(models, { labels: [0, 2], mixtures: [p, p, p] })).toEqual([2]);
        expect(await count(models, { labels: [1, 0], mixtures: [p, p, p] })).toEqual([0]);
      },
    );

    it('logits as different that differ by one float64 ulp after mixing', async () => {
      // z = (1, 1 + 2^−52): the first weight is 1, the second 2^−52.
      const models = [
        [1, 1],
        [0, 1],
      ];
      expect(await count(models, { labels: [1], mixtures: [1, 2 ** -52] })).toEqual([1]);
      expect(await count(models, { labels: [0], mixtures: [1, 2 ** -52] })).toEqual([0]);
    });

    it('a mixture of one model as that model, whatever its weight', async () => {
      const models = [1, 2, 3].map((k) => Array.from({ length: 600 }, (_, i) => Math.cos(i * k)));
      const labels = Array.from({ length: 300 }, (_, m) => m % 2);
      const alone = await Promise.all(models.map((model) => count([model], { labels })));
      expect(await count(models, { labels, mixtures: [3, 0, 0, 0, 0.2, 0, 0, 0, 1] })).toEqual(alone.flat());
    });
  });
}
