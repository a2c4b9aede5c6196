import { expect, test } from 'vitest';
import { temporaryFolder } from '../pools.js';
import { fewInputs, openSlow, slowInputs } from './opened.js';

const folder = temporaryFolder();

test('an evaluator that was disposed of refuses calls, and may be disposed of again', async () => {
  const { evaluator, models } = await openSlow(folder, 2);
  await evaluator.logits(models[0], fewInputs);
  await evaluator.dispose();
  await expect(evaluator.logits(models[0], fewInputs)).rejects.toThrow(/disposed/);
  await evaluator.dispose();
});

test('disposing in the middle of an evaluation rejects the calls under way and those that wait, and the process lives on', async () => {
  const { evaluator, models } = await openSlow(folder, 1);
  let begun = () => {};
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const calls = [
    evaluator.logits(models[0], slowInputs, { onProgress: () => begun() }),
    evaluator.logits(models[1], slowInputs),
  ];
  const outcomes = Promise.allSettled(calls);
  await running;
  await evaluator.dispose();
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/disposed/) } });
  }
});

test('disposing right after an abort, as an interrupted command does, ends the threads and not the process', async () => {
  for (let repeat = 0; repeat < 3; repeat++) {
    const { evaluator, models } = await openSlow(folder, 2);
    const controller = new AbortController();
    const reason = new Error('interrupted');
    const call = evaluator.logits(models[0], slowInputs, {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(call).rejects.toBe(reason);
    await evaluator.dispose();
  }
});
