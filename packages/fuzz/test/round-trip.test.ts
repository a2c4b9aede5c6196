import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOnnx, openOnnx, openSafetensors, Random, readNpy, writeNpy, writeShardedSafetensors } from '@radin/core';
import { afterAll, expect, test } from 'vitest';
import { scratchFolder, writeMutant } from '../src/mutant-files.js';
import type { MutantFiles } from '../src/reader.js';
import { ARRAY_READERS } from '../src/readers/arrays.js';
import { ONNX_READERS } from '../src/readers/onnx.js';
import { SAFETENSORS_READERS } from '../src/readers/safetensors.js';
import { readCheckpointTensors, readOnnxTensors } from '../src/readers/tensor-reads.js';

const folder = scratchFolder();
afterAll(() => rmSync(folder, { recursive: true }));

/** Files that a reader accepts, odd ones among them, until there are enough. */
async function accepted(
  mutate: (random: Random) => MutantFiles,
  use: (folder: string, at: number) => Promise<void>,
): Promise<void> {
  const files = join(folder, 'mutant');
  let used = 0;
  for (let at = 0; used < 25 && at < 2000; at++) {
    writeMutant(files, mutate(new Random(2, at)));
    const written = join(folder, String(used));
    mkdirSync(written, { recursive: true });
    try {
      await use(files, at);
      used++;
    } catch (error) {
      // Refused when it was opened; what differs after writing is no RadinError.
      if ((error as Error).name !== 'RadinError') throw error;
    }
  }
  expect(used).toBe(25);
}

const mutator = (name: string) => {
  const reader = [...ARRAY_READERS, ...SAFETENSORS_READERS, ...ONNX_READERS].find((one) => one.name === name);
  if (reader === undefined) throw new Error(`there is no reader ${name}`);
  return reader.mutate;
};

test('whatever .npy file is read is the same array after it was written', async () => {
  await accepted(mutator('npy'), async (files) => {
    const { dtype, shape, data } = await readNpy(join(files, 'x.npy'));
    const path = join(folder, 'x.npy');
    await writeNpy(path, dtype, shape, data);
    expect(await readNpy(path)).toEqual({ path, dtype, shape, data });
  });
});

test('whatever safetensors file is read has the same tensors after it was written, in one file or in shards', async () => {
  await accepted(mutator('safetensors'), async (files, at) => {
    const path = join(files, 'x.safetensors');
    const tensors = await readCheckpointTensors(path);
    const file = await openSafetensors(path);
    try {
      const to = join(folder, `soup-${at}.safetensors`);
      const produce = async (
        { name, byteLength }: { name: string; byteLength: number },
        sink: (bytes: Uint8Array) => Promise<void>,
      ) => {
        const bytes = new Uint8Array(byteLength);
        await file.read(name, bytes);
        await sink(bytes);
      };
      const written = await writeShardedSafetensors(to, file.tensors, new Map(), produce, 1 + (at % 40));
      const byName = (list: readonly { name: string }[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(byName(await readCheckpointTensors(written.path))).toEqual(byName(tensors));
    } finally {
      await file.close();
    }
  });
});

test('whatever ONNX model is read has the same tensors after its own weights were written into a copy', async () => {
  await accepted(mutator('onnx'), async (files, at) => {
    const path = join(files, 'x.onnx');
    const tensors = await readOnnxTensors(path);
    const model = await openOnnx(path);
    try {
      const copy = join(folder, `copy-${at}.onnx`);
      await copyOnnx(model, new Map([['radin', 'x']])).write(copy, async ({ name, byteLength }, sink) => {
        const bytes = new Uint8Array(byteLength);
        await model.read(name, bytes);
        await sink(bytes);
      });
      expect(await readOnnxTensors(copy)).toEqual(tensors);
    } finally {
      await model.close();
    }
  });
});
