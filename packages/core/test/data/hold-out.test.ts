import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holdOut, RowReader, type Split } from '../../src/data/index.js';
import { Random } from '../../src/random.js';
import { inputsOf } from '../evaluator/opened.js';
import { f32, refused } from '../pools.js';

/** A split whose inputs, two numbers each, say which sample they are. */
function split(labels: readonly number[]): Split {
  return {
    name: 'validation',
    inputs: inputsOf(
      f32(
        [labels.length, 2],
        labels.flatMap((_, sample) => [sample, -sample]),
      ),
    ),
    labels: { path: 'y.npy', values: Int32Array.from(labels) },
    samples: labels.length,
  };
}

const samplesOf = ({ inputs }: Split) => {
  const values = new Float32Array(2 * inputs.samples);
  new RowReader(inputs.places).read([...Array(inputs.samples).keys()], new Uint8Array(values.buffer));
  return [...values].filter((_, at) => at % 2 === 0);
};

test('a hold-out takes its fraction of every class, to within one sample, and loses none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(4), { minLength: 20, maxLength: 200 }),
      fc.double({ min: 0.1, max: 0.9, noNaN: true }),
      fc.nat(1000),
      (labels, fraction, seed) => {
        const { kept, heldOut } = holdOut(split(labels), fraction, new Random(seed));
        expect([kept.name, heldOut.name]).toEqual(['validation', 'holdout']);
        for (const part of [kept, heldOut]) {
          const samples = samplesOf(part);
          expect(samples).toEqual([...samples].sort((a, b) => a - b));
          expect(part.inputs.shape).toEqual([part.samples, 2]);
          expect([...part.labels.values]).toEqual(samples.map((sample) => labels[sample]));
        }
        expect([...samplesOf(kept), ...samplesOf(heldOut)].sort((a, b) => a - b)).toEqual([...labels.keys()]);
        expect(heldOut.samples).toBe(Math.round(fraction * labels.length));
        for (const one of new Set(labels)) {
          const count = (of: Iterable<number>) => [...of].filter((label) => label === one).length;
          expect(Math.abs(count(heldOut.labels.values) - fraction * count(labels))).toBeLessThanOrEqual(1);
        }
      },
    ),
  );
});

test('another seed holds out other samples', () => {
  const labels = Array.from({ length: 100 }, (_, sample) => sample % 3);
  const held = (seed: number) => samplesOf(holdOut(split(labels), 0.3, new Random(seed)).heldOut);
  expect(held(1)).toEqual(held(1));
  expect(held(1)).not.toEqual(held(2));
});

test('a hold-out that leaves nothing on one side is refused', () => {
  for (const fraction of [0.01, 0.99]) {
    expect(() => holdOut(split([0, 1, 1]), fraction, new Random(0))).toThrow(
      refused('CONFIG', /samples on both sides but found \d of 3/) as Error,
    );
  }
});
