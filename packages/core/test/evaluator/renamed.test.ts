import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LogitsKeys, OnnxEvaluator } from '../../src/evaluator/index.js';
import { readOnnx } from '../../src/formats/index.js';
import { closeCheckpoints, type FileCheckpoint, KnownContents, openCheckpoints, Pool } from '../../src/pool/index.js';
import { f32, reluGraph, temporaryFolder, writeGraph, writeModel } from '../files.js';
import { inputsOf } from './opened.js';

const folder = temporaryFolder();

test('a model with its names mapped in two ways has two logits, and the cache two keys for them', async () => {
  const graph = await readOnnx(writeGraph(join(folder, 'graph.onnx'), reluGraph(2, 2, 2)));
  const tensors = { u: f32([2, 2], [1, -2, 3, 4]), v: f32([2, 2], [0.5, 1, -1, 2]) };
  const checkpoints = await openCheckpoints([await writeModel(join(folder, 'm.safetensors'), tensors)]);
  const inputs = inputsOf(f32([1, 2], [1, 2]));
  const [model] = checkpoints as [FileCheckpoint];
  const run = async (rename: Record<string, string>) => {
    const evaluator = await OnnxEvaluator.open(graph, new Pool(checkpoints), { threads: 1, rename });
    const { values } = await evaluator.logits(model, inputs);
    const key = await new LogitsKeys(evaluator, new KnownContents()).ofModel(model, inputs);
    await evaluator.dispose();
    return { values: [...values], key };
  };
  // relu([1, 2] u) v = [7, 6] v, and relu([1, 2] v) u = [0, 5] u.
  const straight = await run({ u: 'w1', v: 'w2' });
  const crossed = await run({ u: 'w2', v: 'w1' });
  expect(straight.values).toEqual([-2.5, 19]);
  expect(crossed.values).toEqual([15, 20]);
  expect(straight.key).not.toEqual(crossed.key);
  await closeCheckpoints(checkpoints);
});
