import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/pool/index.js';
import { draw, f32, linearGraph, numbers, reluGraph, temporaryFolder, tensor } from '../pools.js';
import { inputsOf, openEvaluator } from './opened.js';

const folder = temporaryFolder();
const [FEATURES, CLASSES] = [5, 3];
const next = numbers(21);
const weights = [0, 1, 2, 3].map(() => ({ w: draw(next, FEATURES * CLASSES), b: draw(next, CLASSES) }));
const linear = weights.map(({ w, b }) => ({ w: f32([FEATURES, CLASSES], w), b: f32([CLASSES], b) }));

function expected(inputs: Float32Array, { w, b }: { w: Float32Array; b: Float32Array }): number[] {
  const logits: number[] = [];
  for (let m = 0; m < inputs.length / FEATURES; m++) {
    for (let c = 0; c < CLASSES; c++) {
      let sum = b[c] as number;
      for (let i = 0; i < FEATURES; i++) sum += (inputs[m * FEATURES + i] as number) * (w[i * CLASSES + c] as number);
      logits.push(sum);
    }
  }
  return logits;
}

function expectClose(found: Float32Array, oracle: readonly number[]): void {
  expect(found).toHaveLength(oracle.length);
  const worst = Math.max(...oracle.map((logit, at) => Math.abs(logit - (found[at] as number))));
  expect(worst).toBeLessThan(1e-5);
}

describe('logits of a linear network are those of a plain loop', () => {
  test.each([1, 2, 63, 64, 65, 128, 150])('for %d samples', async (samples) => {
    const x = draw(numbers(samples), samples * FEATURES);
    const { evaluator, models } = await openEvaluator(folder, linearGraph(FEATURES, CLASSES), linear.slice(0, 2));
    for (const [k, model] of models.entries()) {
      const progress: number[] = [];
      const inputs = inputsOf(f32([samples, FEATURES], x));
      const logits = await evaluator.logits(model, inputs, { onProgress: (done) => progress.push(done) });
      expect(logits).toMatchObject({ samples, classes: CLASSES });
      expectClose(logits.values, expected(x, weights[k] as (typeof weights)[0]));
      expect(progress).toHaveLength(Math.ceil(samples / 64));
      expect(progress.at(-1)).toBe(samples);
    }
  });

  test.each([1, 2, 7, 10, 11])('with the batch %d, divisor of 10 or not', async (batch) => {
    const x = draw(numbers(9), 10 * FEATURES);
    const { evaluator, models } = await openEvaluator(folder, linearGraph(FEATURES, CLASSES), linear.slice(0, 1), {
      threads: 2,
      batch,
    });
    const logits = await evaluator.logits(models[0] as Checkpoint, inputsOf(f32([10, FEATURES], x)));
    expectClose(logits.values, expected(x, weights[0] as (typeof weights)[0]));
  });

  test.each([1, 4, 13])('for %d samples where the graph wants 4 at a time', async (samples) => {
    const x = draw(numbers(samples), samples * FEATURES);
    const { evaluator, models } = await openEvaluator(folder, linearGraph(FEATURES, CLASSES, 4), linear.slice(0, 1));
    const logits = await evaluator.logits(models[0] as Checkpoint, inputsOf(f32([samples, FEATURES], x)));
    expect(logits.samples).toBe(samples);
    expectClose(logits.values, expected(x, weights[0] as (typeof weights)[0]));
  });

  test('of float64, rounded to float32', async () => {
    const x = Float64Array.of(1, 2, 3, 4);
    const model = {
      w: tensor('F64', [2, 2], Float64Array.of(0.1, 0.2, 0.3, 0.4)),
      b: tensor('F64', [2], Float64Array.of(1e-9, 0)),
    };
    const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2, 'batch', 'F64'), [model]);
    const logits = await evaluator.logits(models[0] as Checkpoint, inputsOf(tensor('F64', [2, 2], x)));
    const exact = [0.1 + 2 * 0.3 + 1e-9, 0.2 + 2 * 0.4, 3 * 0.1 + 4 * 0.3 + 1e-9, 3 * 0.2 + 4 * 0.4];
    for (const [at, logit] of exact.entries()) expect(logits.values[at]).toBeCloseTo(logit, 6);
  });
});

test('weights that no model has are the graph’s own', async () => {
  const graph = linearGraph(FEATURES, CLASSES);
  const bias = Float32Array.of(10, 20, 30);
  const initializer = (graph.initializer ?? []).map((one) =>
    one.name === 'b' ? { ...one, raw_data: new Uint8Array(bias.buffer) } : one,
  );
  const { w } = linear[0] as (typeof linear)[0];
  const { evaluator, models } = await openEvaluator(folder, { ...graph, initializer }, [{ w }]);
  const x = draw(numbers(4), 2 * FEATURES);
  const logits = await evaluator.logits(models[0] as Checkpoint, inputsOf(f32([2, FEATURES], x)));
  expectClose(logits.values, expected(x, { w: (weights[0] as (typeof weights)[0]).w, b: bias }));
});

test('the bits are the same for any number of threads and of calls at once', async () => {
  const [features, hidden, classes, samples] = [12, 33, 7, 300];
  const draws = numbers(30);
  const relu = [0, 1, 2, 3, 4].map(() => ({
    w1: f32([features, hidden], draw(draws, features * hidden)),
    w2: f32([hidden, classes], draw(draws, hidden * classes)),
  }));
  const inputs = inputsOf(f32([samples, features], draw(draws, samples * features)));
  const all: Float32Array[][] = [];
  for (const threads of [1, 2, 3]) {
    const { evaluator, models } = await openEvaluator(folder, reluGraph(features, hidden, classes), relu, { threads });
    const alone: Float32Array[] = [];
    for (const model of models) alone.push((await evaluator.logits(model, inputs)).values);
    const together = await Promise.all([...models, ...models].map((model) => evaluator.logits(model, inputs)));
    const values = together.map((logits) => logits.values);
    all.push(alone, values.slice(0, 5), values.slice(5));
  }
  for (const logits of all) expect(logits).toEqual(all[0]);
  expect(new Set(all[0]?.map((values) => values.join())).size).toBe(5);
});
