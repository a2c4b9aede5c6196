import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { contentOf, PredictionFolder } from '../../src/soups/prediction-folder.js';
import { openMemory, poolFolder } from './pools.js';

const folder = temporaryFolder();
const prediction = { classes: Uint16Array.of(3, 0, 7), losses: Float32Array.of(0.5, 1, 0.25) };

it('a prediction is found again, and one whose bytes have changed is not', async () => {
  const predictions = await PredictionFolder.open(folder, 'sound', 3);
  await predictions.write('0000+0001', prediction);
  expect(await predictions.read('0000+0001')).toEqual(prediction);
  expect(await predictions.read('0000+0002')).toBeUndefined();
  const file = join(predictions.path, readdirSync(predictions.path)[0] as string);
  const sound = readFileSync(file);
  for (const at of sound.keys()) {
    const changed = Buffer.from(sound);
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(file, changed);
    expect(await predictions.read('0000+0001')).toBeUndefined();
  }
  writeFileSync(file, sound.subarray(0, 20));
  expect(await predictions.read('0000+0001')).toBeUndefined();
});

it('predictions of another output of the same graph, or of files read in another way, are not those of this one', async () => {
  const file = join(folder, 'model.onnx');
  writeFileSync(file, 'a graph');
  const names = [await contentOf([file]), await contentOf([file], 'logits'), await contentOf([file], 'aux')];
  expect(new Set([...names, await contentOf([file], undefined, 'aux')]).size).toBe(4);
});

it('predictions of another state dict of the same files are not those of this one', async () => {
  const pool = await poolFolder(folder, { models: 2, samples: 20 });
  const config = join(pool.folder, 'radin.yaml');
  const plain = readFileSync(config, 'utf8');
  const contents = new Set<string>();
  for (const entry of ['', 'state_dict: model', 'state_dict: ema']) {
    writeFileSync(
      config,
      `${plain}${entry}
`,
    );
    contents.add((await openMemory(pool.folder)).content);
  }
  expect(contents.size).toBe(3);
});
