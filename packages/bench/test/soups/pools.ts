import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendNamed } from '@radin/core';
import { onTestFinished } from 'vitest';
import { type TinyPool, type TinyShape, tensor, tinyPool, writeArray } from '../../../core/test/pools.js';
import { readPoolFolder } from '../../src/soups/pool-folder.js';
import { SoupMemory } from '../../src/soups/soup-memory.js';
import { readUnion } from '../../src/soups/union.js';

/** A tiny pool with the `radin.yaml` that the benchmark finds its files by. */
export async function poolFolder(parent: string, shape: TinyShape): Promise<TinyPool> {
  const pool = await tinyPool(parent, shape);
  const split = (name: string) => `{ inputs: ${name}_inputs.npy, labels: ${name}_labels.npy }`;
  const lines = [
    'graph: graph.onnx',
    "models: ['m*.safetensors']",
    `validation: ${split('val')}`,
    `test: ${split('test')}`,
  ];
  writeFileSync(join(pool.folder, 'radin.yaml'), `${lines.join('\n')}\n`);
  return pool;
}

/** Makes the labels of a pool noisy: those of `flipped` samples of both splits together are observed as the next class. */
export async function addNoise({ folder, validation, test, classes }: TinyPool, flipped: (sample: number) => boolean) {
  const labels = Int32Array.from([...validation.labels, ...test.labels]);
  const observed = labels.map((label, sample) => (flipped(sample) ? (label + 1) % classes : label));
  await writeArray(join(folder, 'true_labels.npy'), tensor('I32', [labels.length], labels));
  await writeArray(join(folder, 'observed_labels.npy'), tensor('I32', [labels.length], observed));
  return { labels, observed };
}

/** Opened for one test. */
export async function openMemory(folder: string, cache?: string): Promise<SoupMemory> {
  const files = readPoolFolder(folder);
  const union = await readUnion(folder, files);
  const memory = await SoupMemory.open(files, union, { backend: backendNamed('auto'), threads: 1, cache });
  onTestFinished(() => memory.dispose());
  return memory;
}
