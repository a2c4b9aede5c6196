import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LinearPool, layers, linearPool, modelPath, type TensorSpec, writeModel } from './pools.js';
import { radinJson, runRadinHere } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** Ways to run the same thing: the slow oracle alone, and every set of kernels that this machine may have, with other threads. */
const WAYS = [
  ['--backend', 'reference', '--threads', '1'],
  ['--backend', 'cpu-portable', '--threads', '7', '--no-cache'],
  ['--backend', 'cpu', '--threads', '2', '--max-memory', '600MB'],
] as const;

let folder: string;
beforeAll(async () => {
  ({ folder } = await linearPool({ models: 7 }));
  // Every model's mean probability of the truth: a number that no count gives.
  const score = `({ logits, samples, classes, labels }) => {
    let sum = 0;
    for (let m = 0; m < samples; m++) {
      const row = logits.subarray(m * classes, (m + 1) * classes);
      const exps = Array.from(row, (logit) => Math.exp(logit));
      sum += exps[labels[m]] / exps.reduce((a, b) => a + b, 0);
    }
    return sum / samples;
  }`;
  const metric = `export default { name: 'mean-probability', higherIsBetter: true, score: ${score} };\n`;
  writeFileSync(join(folder, 'own.mjs'), metric);
});

/** All that a command leaves in a folder, each file as text, but for the journal, which says when and how the run was made. */
async function leaves(pool: string, args: readonly string[]): Promise<Record<string, string>> {
  const here = newFolder();
  const [command, ...options] = args;
  const { code, stderr } = await runRadinHere([command as string, pool, ...options, '--out', 'out'], here);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  return Object.fromEntries(
    listing(join(here, 'out'))
      .filter((name) => name !== 'journal.jsonl')
      .map((name) => [name, readFileSync(join(here, 'out', name), 'latin1')]),
  );
}

async function expectSameBytes(pool: string, args: readonly string[]): Promise<void> {
  const [first, ...others] = WAYS;
  const expected = await leaves(pool, [...args, ...first]);
  for (const way of others) {
    const found = await leaves(pool, [...args, ...way]);
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, text] of Object.entries(found)) expect(text === expected[name], `${name} ${way}`).toBe(true);
  }
}

describe('the files of a run are the same bytes on every backend, for any number of threads, within any memory', () => {
  it.each([
    ['adaptive', '--versus-greedy --holdout 0.2'],
    ['without a race', '--racing off --budget 2'],
    ['the paper’s', '--strategy radin --lambda 1'],
    ['a statistical race', '--strategy radin --racing statistical'],
    ['samplers', '--strategy radin --sampler exhaustive,genetic,beam,swaps,small-sets,top-k,forward,backward'],
    ['weights', '--strategy radin --sampler convex,with-replacement,branch-and-bound'],
    ['cross-entropy', '--metric cross-entropy'],
    ['macro-F1', '--metric macro-f1 --strategy radin'],
    ['AUROC', '--metric auroc --budget 2'],
    ['a metric of the user’s', '--metric OWN --budget 2'],
    ['explained', '--explain --batch 16'],
  ])('of a search: %s', async (_, options) => {
    const args = options.split(' ').map((word) => (word === 'OWN' ? join(folder, 'own.mjs') : word));
    await expectSameBytes(folder, ['search', '--budget', '3', '--candidates', '12', ...args]);
  });

  it('of a comparison', async () => {
    await expectSameBytes(folder, ['compare', '--budgets', '1,3', '--candidates', '8']);
  });

  it('of models in bfloat16', async () => {
    const pool = await linearPool();
    await writeAsBfloat16(pool);
    await expectSameBytes(pool.folder, ['search', '--budget', '2', '--no-report']);
  });
});

it('scores and averages are the same on every backend, for any number of threads', async () => {
  const logits = newFolder();
  const { models } = await linearPool({ models: 7 });
  for (const { id } of models) {
    await radinJson(['evaluate', folder, id, '--save-logits', join(logits, `${id}.npy`)], logits);
  }
  const given = ['--logits', join(logits, '*.npy'), '--labels', join(folder, 'val_labels.npy')];
  const files = models.map(({ id }) => join(folder, 'models', `${id}.safetensors`));
  const found = new Set<string>();
  for (const [, backend, , threads] of WAYS) {
    const way = ['--backend', backend, '--threads', threads];
    const { candidates } = await radinJson<{ candidates: unknown }>(['score', ...given, ...way], logits);
    const weights = '0.4,0.3,0.1,0.05,0.05,0.06,0.04';
    const soup = ['average', ...files, '--weights', weights, '--out', 'soup.safetensors', '--backend', backend];
    const { sha256 } = await radinJson<{ sha256: string }>(soup, logits);
    found.add(JSON.stringify([candidates, sha256]));
  }
  expect(found.size).toBe(1);
});

/** Writes the pool's models anew: the upper half of a float32 is a bfloat16. */
async function writeAsBfloat16(pool: LinearPool): Promise<void> {
  const as = ({ bytes, ...tensor }: TensorSpec): TensorSpec => {
    const halves = new Uint16Array(bytes.slice().buffer).filter((_, at) => at % 2 === 1);
    return { ...tensor, dtype: 'BF16', bytes: new Uint8Array(halves.buffer) };
  };
  for (const model of pool.models) await writeModel(modelPath(pool, model.id), layers(model).map(as));
}
