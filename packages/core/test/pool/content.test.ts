import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  closeCheckpoints,
  contentSha256,
  duplicates,
  type FileCheckpoint,
  openCheckpoints,
  tensorSha256,
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

test('a tensor of several windows and one without elements have the SHA-256 of their bytes', async () => {
  const large = f32([1_100_000], draw(numbers(3), 1_100_000));
  const model = await open('large', { large, empty: f32([0, 3], []) });
  for (const [name, { bytes }] of [
    ['large', large],
    ['empty', f32([0, 3], [])],
  ] as const) {
    const info = model.tensors.find((candidate) => candidate.name === name);
    expect(await tensorSha256(model, info as never)).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
