import { describe, expect, it } from 'vitest';
import { makeLogits, makeSubsets } from '../src/data/logits.js';
import { makeWeights, transformerTensors, type WeightDtype } from '../src/data/weights.js';

const [models, samples, classes] = [13, 1_000, 1_000];

/** For each model, which samples its largest logit is right on. */
function rightOnes(pool: ReturnType<typeof makeLogits>): boolean[][] {
  return pool.logits.map((values) =>
    Array.from(pool.labels, (label, sample) => {
      const row = values.subarray(sample * pool.classes, (sample + 1) * pool.classes);
      return row.indexOf(Math.max(...row)) === label;
    }),
  );
}

const share = (values: readonly boolean[]) => values.filter(Boolean).length / values.length;

describe('the logits', () => {
  const right = rightOnes(makeLogits(models, samples, classes, { seed: 1 }));

  it('are of models that are right on 70 to 80 % of the samples', () => {
    for (const model of right) {
      expect(share(model)).toBeGreaterThan(0.68);
      expect(share(model)).toBeLessThan(0.82);
    }
  });

  it('err together: on most samples all models are right or all are wrong', () => {
    const each = Array.from({ length: samples }, (_, sample) => right.map((model) => model[sample] as boolean));
    const together = (value: boolean) => share(each.map((model) => model.every((one) => one === value)));
    // Independent models of 75 % would all be right on 2 % of the samples.
    expect(together(true)).toBeGreaterThan(0.5);
    expect(together(false)).toBeGreaterThan(0.1);
    expect(together(true) + together(false)).toBeLessThan(0.9);
  });

  it('are, where models are ruined, those of chance for the last ones', () => {
    const ruined = rightOnes(makeLogits(4, samples, classes, { seed: 1, ruined: 2 }));
    expect(ruined.map((model) => share(model) > 0.5)).toEqual([true, true, false, false]);
  });

  it('are the same for one seed and others for another', () => {
    const first = (seed: number) => makeLogits(2, 10, 10, { seed }).logits[1]?.slice(0, 5);
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
  });
});

it('subsets are of every size and have no model twice', () => {
  const subsets = makeSubsets(13, 200, 0);
  expect(new Set(subsets.map((subset) => subset.length)).size).toBe(13);
  for (const subset of subsets) expect(new Set(subset).size).toBe(subset.length);
});

it('a transformer of 12 layers and width 768 has 88 M parameters', () => {
  const elements = transformerTensors(12, 768).reduce((sum, tensor) => sum + tensor.elements, 0);
  expect(elements / 1e6).toBeCloseTo(88.2, 1);
});

it.each<[WeightDtype, (bits: Uint8Array) => number]>([
  ['F32', (bytes) => new Float32Array(bytes.buffer)[5] as number],
  [
    'BF16',
    (bytes) => new Float32Array(Uint32Array.of((new Uint16Array(bytes.buffer)[5] as number) << 16).buffer)[0] as number,
  ],
  [
    'F16',
    (bytes) => {
      const bits = new Uint16Array(bytes.buffer)[5] as number;
      return (bits & 0x8000 ? -1 : 1) * (1024 + (bits & 1023)) * 2 ** (((bits >> 10) & 31) - 25);
    },
  ],
])('weights in %s are those in float32, to its precision', (dtype, read) => {
  const tensors = [{ name: 'w', elements: 16 }];
  const exact = new Float32Array(makeWeights(2, tensors, 'F32', 3).models[1]?.buffer as ArrayBuffer)[5] as number;
  const value = read(makeWeights(2, tensors, dtype, 3).models[1] as Uint8Array);
  expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -7);
});
