import { describe, expect, test } from 'vitest';
import type { Checkpoint } from '../../src/pool/index.js';
import { f32, linearGraph, refused, temporaryFolder } from '../pools.js';
import { fewInputs, inputsOf, openEvaluator, openSlow, SLOW_SAMPLES, slowInputs } from './opened.js';

const folder = temporaryFolder();

describe('an aborted call', () => {
  test('rejects with the reason before its samples are done, and the evaluator remains usable', async () => {
    const { evaluator, models } = await openSlow(folder, 2);
    const before = await evaluator.logits(models[0], fewInputs);
    const controller = new AbortController();
    const reason = new Error('enough');
    let done = 0;
    const call = evaluator.logits(models[1], slowInputs, {
      signal: controller.signal,
      onProgress: (samples) => {
        done = samples;
        controller.abort(reason);
      },
    });
    await expect(call).rejects.toBe(reason);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(SLOW_SAMPLES);
    expect((await evaluator.logits(models[0], fewInputs)).values).toEqual(before.values);
  });

  test('rejects at once where the signal is aborted before', async () => {
    const { evaluator, models } = await openSlow(folder, 1);
    const reason = new Error('never');
    await expect(evaluator.logits(models[0], slowInputs, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('does not touch the calls beside it', async () => {
    const { evaluator, models } = await openSlow(folder, 2);
    const alone = await evaluator.logits(models[1], fewInputs);
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = evaluator.logits(models[0], slowInputs, { signal, onProgress: () => controller.abort() });
    const beside = evaluator.logits(models[1], fewInputs);
    await expect(aborted).rejects.toHaveProperty('name', 'AbortError');
    expect((await beside).values).toEqual(alone.values);
  });

  test('rejects promptly also while it waits for its turn', async () => {
    const { evaluator, models } = await openSlow(folder, 1);
    const order: string[] = [];
    const controller = new AbortController();
    const running = evaluator
      .logits(models[0], slowInputs, { onProgress: () => controller.abort() })
      .then(() => order.push('running'));
    const waiting = evaluator
      .logits(models[1], fewInputs, { signal: controller.signal })
      .catch(() => order.push('waiting'));
    await Promise.all([running, waiting]);
    expect(order).toEqual(['waiting', 'running']);
    expect(await evaluator.logits(models[2], fewInputs)).toMatchObject({ samples: 100, classes: 2 });
  });
});

test('other events are handled while models are evaluated', async () => {
  const { evaluator, models } = await openSlow(folder, 2);
  const before = performance.eventLoopUtilization();
  await Promise.all(models.map((model) => evaluator.logits(model, slowInputs)));
  // A share of the time and no length of a pause, which a busy machine makes as long as it likes. It would be 1 if a call blocked.
  expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
});

describe('a logit that is not finite', () => {
  const linear = { w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, 0]) };
  const huge = { w: f32([2, 2], [3e38, 0, 0, 3e38]), b: f32([2], [0, 0]) };

  test.each([1, 2, 3])('is refused with %d threads, naming the model and the lowest sample', async (threads) => {
    const x = new Float32Array(2 * 500).fill(0.5);
    for (const sample of [140, 141, 270, 499]) x[2 * sample + 1] = 2;
    const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [linear, huge], { threads, batch: 8 });
    const inputs = inputsOf(f32([500, 2], x));
    for (let repeat = 0; repeat < 5; repeat++) {
      await expect(evaluator.logits(models[1] as Checkpoint, inputs)).rejects.toEqual(
        refused(
          'EVALUATION',
          /finite logits but found Infinity, class 1, sample 140 \(model "b", inputs inputs\.npy\)/,
        ),
      );
    }
    expect((await evaluator.logits(models[0] as Checkpoint, inputs)).values).toEqual(x);
  });

  test('may be a NaN: of infinite weights', async () => {
    const infinite = { ...linear, w: f32([2, 2], [Number.POSITIVE_INFINITY, 0, Number.NEGATIVE_INFINITY, 0]) };
    const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [infinite]);
    await expect(evaluator.logits(models[0] as Checkpoint, inputsOf(f32([1, 2], [1, 1])))).rejects.toEqual(
      refused('EVALUATION', /found NaN, class 0, sample 0 \(model "a"/),
    );
  });
});

test('a NaN weight is refused and the next model is evaluated', async () => {
  const model = (bias: number) => ({ w: f32([2, 2], [1, 0, 0, 1]), b: f32([2], [0, bias]) });
  const { evaluator, models } = await openEvaluator(folder, linearGraph(2, 2), [model(Number.NaN), model(1)]);
  const inputs = inputsOf(f32([1, 2], [1, 2]));
  await expect(evaluator.logits(models[0] as Checkpoint, inputs)).rejects.toEqual(
    refused('POOL', /NaN in .*a\.safetensors, tensor "b", element 1/),
  );
  expect([...(await evaluator.logits(models[1] as Checkpoint, inputs)).values]).toEqual([1, 3]);
});
