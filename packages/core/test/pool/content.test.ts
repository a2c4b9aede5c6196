import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openTensorFile, type TensorInfo } from '../../src/formats/index.js';
import {
  closeCheckpoints,
  contentSha256,
  duplicates,
  type FileCheckpoint,
  openCheckpoints,
  tensorContent,
} from '../../src/pool/index.js';
import { draw, f32, numbers, type TensorData, temporaryFolder, tensor, writeModel } from '../pools.js';

const folder = temporaryFolder();
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

async function open(id: string, tensors: Record<string, TensorData>, metadata = {}): Promise<FileCheckpoint> {
  const models = await openCheckpoints([await writeModel(join(folder, `${id}.safetensors`), tensors, metadata)]);
  opened.push(...models);
  return models[0] as FileCheckpoint;
}

const W = f32([2, 2], [1, 2, 3, 4]);
const B = f32([2], [5, 6]);

test('models of equal weights are duplicates, whatever the order of their tensors and their metadata', async () => {
  const models = [
    await open('original', { w: W, b: B }),
    await open('other', { w: W, b: f32([2], [5, 7]) }),
    await open('reordered', { b: B, w: W }),
    await open('described', { w: W, b: B }, { format: 'pt', epoch: '7' }),
    await open('other-too', { b: f32([2], [5, 7]), w: W }),
  ];
  const groups = (await duplicates(models)).map((group) => group.map(({ id }) => id));
  expect(groups).toEqual([
    ['original', 'reordered', 'described'],
    ['other', 'other-too'],
  ]);
});

test('the digest tells names, shapes, dtypes and values apart', async () => {
  const digests = [
    await contentSha256(await open('1', { w: W, b: B })),
    await contentSha256(await open('2', { w: W, c: B })),
    await contentSha256(await open('3', { w: f32([4], [1, 2, 3, 4]), b: B })),
    await contentSha256(await open('4', { w: W, b: tensor('U32', [2], Float32Array.of(5, 6)) })),
    await contentSha256(await open('5', { w: W, b: f32([2], [6, 5]) })),
    await contentSha256(await open('6', { w: W, b: f32([2], [-5, 6]) })),
  ];
  expect(new Set(digests).size).toBe(digests.length);
  expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
});

test('a tensor of several windows and one without elements have the SHA-256 of their bytes, and their first NaN', async () => {
  const values = draw(numbers(3), 1_100_000);
  const tensors = {
    large: f32([1_100_000], values),
    empty: f32([0, 3], []),
    diverged: f32([1_100_000], values.with(1_099_999, Number.NaN)),
  };
  const file = await openTensorFile(await writeModel(join(folder, 'large.safetensors'), tensors));
  for (const [name, { bytes }] of Object.entries(tensors)) {
    const info = file.tensors.find((candidate) => candidate.name === name) as TensorInfo;
    expect(await tensorContent(file, info)).toEqual({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...(name === 'diverged' && { firstNaN: 1_099_999 }),
    });
  }
  await file.close();
});
