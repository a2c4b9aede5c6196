import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { radinJson } from '../run-radin.js';
import { newFolder } from '../scratch.js';

const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import numpy, torch, onnx']).status === 0,
);

interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}

const byName = (tensors: readonly Tensor[]) => [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Scalars, empty arrays, 64 dimensions, either byte order, views, and names that are no usual ones. */
test.skipIf(PYTHON === undefined)('odd files of numpy, torch and onnx are read as these have them', async () => {
  const folder = newFolder();
  const script = fileURLToPath(new URL('write_odd.py', import.meta.url));
  const held: Readonly<Record<string, readonly Tensor[]>> = JSON.parse(
    execFileSync(PYTHON as string, [script, folder], { encoding: 'utf8' }),
  );
  expect(Object.keys(held).length).toBeGreaterThan(150);
  for (const [file, tensors] of Object.entries(held)) {
    const inspected = await radinJson<{ tensors: readonly Tensor[] }>(['inspect', file], folder);
    expect({ file, tensors: byName(inspected.tensors) }).toEqual({ file, tensors: byName(tensors) });
  }
});
