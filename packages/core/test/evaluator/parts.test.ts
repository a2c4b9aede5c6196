import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoadedModel } from '../../src/evaluator/index.js';
import type { Checkpoint } from '../../src/pool/index.js';
import { draw, f32, linearGraph, numbers, refused, reluGraph, temporaryFolder, tensor } from '../pools.js';
import { inputsOf, openEvaluator, openSlow, slowInputs } from './opened.js';

const folder = temporaryFolder();
const [features, hidden, classes, samples, batch] = [12, 33, 7, 100, 16];
const next = numbers(50);
const models = [0, 1, 2].map(() => ({
  w1: f32([features, hidden], draw(next, features * hidden)),
  w2: f32([hidden, classes], draw(next, hidden * classes)),
}));
const inputs = inputsOf(f32([samples, features], draw(next, samples * features)));
const order = Uint32Array.from({ length: samples }, (_, at) => (at * 37) % samples);

async function open(threads: number) {
  const opened = await openEvaluator(folder, reluGraph(features, hidden, classes), models, { threads, batch });
  return { evaluator: opened.evaluator, models: opened.models as readonly [Checkpoint, Checkpoint, Checkpoint] };
}

describe.each([1, 2])('on %d threads, an open model', (threads) => {
  test('gives the logits of any samples in any order, as a full pass does', async () => {
    const {
      evaluator,
      models: [model],
    } = await open(threads);
    const whole = await evaluator.logits(model, inputs);
    const loaded = await evaluator.open(model, inputs);
    const part = await loaded.logits(order.slice(0, 40));
    expect([part.samples, part.classes]).toEqual([40, classes]);
    for (const [at, sample] of order.slice(0, 40).entries()) {
      const row = (values: Float32Array, index: number) => [...values.subarray(index * classes, (index + 1) * classes)];
      for (const [c, logit] of row(part.values, at).entries()) {
        expect(logit).toBeCloseTo(row(whole.values, sample)[c] as number, 5);
      }
    }
    expect((await loaded.logits()).values).toEqual(whole.values);
    await loaded.close();
  });

  test('keeps its weights while others are evaluated', async () => {
    const {
      evaluator,
      models: [first, second, third],
    } = await open(threads);
    const expected = await Promise.all([first, second, third].map((model) => evaluator.logits(model, inputs)));
    const loaded = await Promise.all([first, second].map((model) => evaluator.open(model, inputs)));
    for (let repeat = 0; repeat < 2; repeat++) {
      const found = await Promise.all([...loaded.map((model) => model.logits()), evaluator.logits(third, inputs)]);
      expect(found.map(({ values }) => values)).toEqual(expected.map(({ values }) => values));
    }
    await Promise.all(loaded.map((model) => model.close()));
    const again = await Promise.all([third, second, first].map((model) => evaluator.logits(model, inputs)));
    expect(again.reverse()).toEqual(expected);
  });
});

test('any split of any samples’ batches over any workers gives the bits that one gives alone', async () => {
  const workers = await Promise.all(
    [1, 2, 3].map(async (threads) => {
      const { evaluator, models } = await open(threads);
      return Promise.all(models.map((model) => evaluator.open(model, inputs)));
    }),
  );
  const split = fc.record({
    model: fc.nat(models.length - 1),
    asked: fc.shuffledSubarray([...order], { minLength: 1 }),
    /** Of each batch: whether a part begins there, and whose it is. */
    parts: fc.array(fc.record({ begins: fc.boolean(), worker: fc.nat(workers.length - 1) }), {
      minLength: 7,
      maxLength: 7,
    }),
  });
  await fc.assert(
    fc.asyncProperty(split, async ({ model, asked, parts }) => {
      const loaded = (worker: number) => workers[worker]?.[model] as LoadedModel;
      const alone = await loaded(0).logits(Uint32Array.from(asked));
      const begins = parts.flatMap((part, at) => (at === 0 || part.begins ? [{ at: at * batch, ...part }] : []));
      const pieces = begins.map(({ at, worker }, index) => ({
        worker,
        samples: asked.slice(at, begins[index + 1]?.at),
      }));
      const found = await Promise.all(
        pieces
          .filter(({ samples }) => samples.length > 0)
          .map(({ worker, samples }) => loaded(worker).logits(Uint32Array.from(samples))),
      );
      expect(found.flatMap(({ values }) => [...values])).toEqual([...alone.values]);
    }),
    { numRuns: 60 },
  );
});

test('inputs that are widened, and a graph that fixes the batch, work in parts', async () => {
  const model = { w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0]) };
  const opened = await openEvaluator(folder, linearGraph(2, 2, 4), [model]);
  const bytes = inputsOf(
    tensor(
      'U8',
      [6, 2],
      Uint8Array.from({ length: 12 }, (_, at) => at),
    ),
  );
  const loaded = await opened.evaluator.open(opened.models[0] as Checkpoint, bytes);
  expect([...(await loaded.logits(Uint32Array.of(5, 0, 3, 3, 1))).values]).toEqual([10, 11, 0, 1, 6, 7, 6, 7, 2, 3]);
  await loaded.close();
});

test('a logit that is not finite is refused by the name of its sample, not by its place', async () => {
  const model = { w: f32([2, 2], [3e38, 0, 0, 3e38]), b: f32([2], [0, 0]) };
  const opened = await openEvaluator(folder, linearGraph(2, 2), [model], { threads: 1, batch: 2 });
  const x = inputsOf(f32([4, 2], [0, 0, 2, 2, 0, 0, 2, 2]));
  const loaded = await opened.evaluator.open(opened.models[0] as Checkpoint, x);
  await expect(loaded.logits(Uint32Array.of(0, 2, 3, 1))).rejects.toEqual(
    refused('EVALUATION', /found Infinity, class 0, sample 3 \(model "a"/),
  );
  await expect(loaded.logits(new Uint32Array())).rejects.toThrow(RangeError);
  await loaded.close();
});

test('an aborted part rejects with the reason, and the model remains usable', async () => {
  const {
    evaluator,
    models: [model],
  } = await openSlow(folder, 2);
  const loaded = await evaluator.open(model, slowInputs);
  const controller = new AbortController();
  const reason = new Error('enough');
  const call = loaded.logits(undefined, { signal: controller.signal, onProgress: () => controller.abort(reason) });
  await expect(call).rejects.toBe(reason);
  expect((await loaded.logits(Uint32Array.of(7))).samples).toBe(1);
  await loaded.close();
});
