import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, Random } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { float32, type TensorSpec, writeModel } from './pools.js';
import { radinJson, runRadin } from './run-radin.js';
import { newFolder } from './scratch.js';

interface AverageReport {
  readonly out: string;
  readonly models: readonly string[];
  readonly weights: readonly number[];
  readonly tensors: number;
  readonly bytes: number;
  readonly sha256: string;
}

const IDS = ['a', 'b', 'c'];
/** An odd number, so that no vector loop divides it. */
const LENGTH = 1003;
const STEP: TensorSpec = { name: 'step', dtype: 'I64', shape: [], bytes: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0) };

/** Three models of random weights, `a.safetensors` and so on. */
async function threeModels(): Promise<{ folder: string; values: readonly Float32Array[] }> {
  const folder = newFolder();
  const random = new Random(3);
  const values = IDS.map(() => Float32Array.from({ length: LENGTH }, () => random.uint32() / 2 ** 31 - 1));
  for (const [index, id] of IDS.entries()) {
    const tensors = [float32('w', [17, 59], values[index] as Float32Array), STEP];
    await writeModel(
      join(folder, `${id}.safetensors`),
      tensors,
      new Map([
        ['format', 'pt'],
        ['run', id],
      ]),
    );
  }
  return { folder, values };
}

async function tensorOf(path: string, name: string): Promise<Uint8Array> {
  const file = await openSafetensors(path);
  const bytes = new Uint8Array(file.tensors.find((tensor) => tensor.name === name)?.byteLength ?? 0);
  await file.read(name, bytes).finally(() => file.close());
  return bytes;
}

describe.concurrent('average', () => {
  it.each([
    ['equal', undefined, [1 / 3, 1 / 3, 1 / 3]],
    ['weighted', '0.5,0.3,0.2', [0.5, 0.3, 0.2]],
    ['the same weights in another way of writing', '5e-1, 0.30, .2', [0.5, 0.3, 0.2]],
  ])('writes what a float64 loop computes, rounded once: %s', async (_, option, weights) => {
    const { folder, values } = await threeModels();
    const models = IDS.map((id) => `${id}.safetensors`);
    const options = option === undefined ? [] : ['--weights', option];
    const report = await radinJson<AverageReport>(
      ['average', ...models, ...options, '--out', 'soup.safetensors'],
      folder,
    );
    const expected = Float32Array.from({ length: LENGTH }, (_, at) => {
      const terms = values.map((model, index) => (option ? (weights[index] as number) : 1) * (model[at] as number));
      return terms.reduce((sum, term) => sum + term, 0) / (option ? 1 : 3);
    });
    const found = await tensorOf(join(folder, 'soup.safetensors'), 'w');
    expect([...new Float32Array(found.buffer)]).toEqual([...expected]);
    expect(report).toMatchObject({ out: 'soup.safetensors', models: IDS, weights, tensors: 2 });
  });

  it('prints the size and the SHA-256 of the file that it wrote', async () => {
    const { folder } = await threeModels();
    const report = await radinJson<AverageReport>(['average', '*.safetensors', '--out', 'soup.safetensors'], folder);
    const file = readFileSync(join(folder, 'soup.safetensors'));
    expect(report.bytes).toBe(file.byteLength);
    expect(report.sha256).toBe(createHash('sha256').update(file).digest('hex'));
  });

  it('gives the same bytes on the reference backend', async () => {
    const { folder } = await threeModels();
    const average = (out: string, ...options: string[]) =>
      radinJson<AverageReport>(
        ['average', '*.safetensors', '--out', out, '--weights', '0.1,0.2,0.7', ...options],
        folder,
      );
    const [first, second] = [await average('1.soup'), await average('2.soup', '--backend', 'reference')];
    expect(second.sha256).toBe(first.sha256);
  });

  it('keeps integer tensors and the metadata that all models share, and notes the ingredients', async () => {
    const { folder } = await threeModels();
    await radinJson(['average', 'a.safetensors', 'c.safetensors', '--out', 'soup.safetensors'], folder);
    expect(await tensorOf(join(folder, 'soup.safetensors'), 'step')).toEqual(STEP.bytes);
    const file = await openSafetensors(join(folder, 'soup.safetensors'));
    await file.close();
    expect([...file.metadata.keys()].sort()).toEqual(['format', 'radin']);
    expect(JSON.parse(file.metadata.get('radin') ?? '')).toMatchObject({ models: ['a', 'c'], weights: [0.5, 0.5] });
  });

  it('of one model is that model, bit for bit', async () => {
    const { folder, values } = await threeModels();
    for (const args of [['b.safetensors'], ['a.safetensors', 'b.safetensors', '--weights', '0,1']]) {
      await radinJson(['average', ...args, '--out', 'soup.safetensors'], folder);
      expect(await tensorOf(join(folder, 'soup.safetensors'), 'w')).toEqual(
        new Uint8Array((values[1] as Float32Array).buffer),
      );
    }
  });

  it('skips a model of weight 0 instead of multiplying: 0 × ∞ does no harm', async () => {
    const { folder } = await threeModels();
    await writeModel(join(folder, 'd.safetensors'), [float32('w', [17, 59], Array(LENGTH).fill(Infinity)), STEP]);
    const { code } = await runRadin(
      ['average', 'a.safetensors', 'd.safetensors', '--weights', '1,0', '--out', 'soup.safetensors'],
      folder,
    );
    expect(code).toBe(0);
    expect(await tensorOf(join(folder, 'soup.safetensors'), 'w')).toEqual(
      await tensorOf(join(folder, 'a.safetensors'), 'w'),
    );
  });

  it.each([
    ['F16', [0x3c00, 0x4000], 0x3e00],
    ['BF16', [0x3f80, 0x4000], 0x3fc0],
  ] as const)('averages 1 and 2 to 1.5 in %s', async (dtype, bits, expected) => {
    const folder = newFolder();
    for (const [index, word] of bits.entries()) {
      const bytes = new Uint8Array(Uint16Array.of(word).buffer);
      await writeModel(join(folder, `${index}.safetensors`), [{ name: 'w', dtype, shape: [1], bytes }]);
    }
    await radinJson(['average', '0.safetensors', '1.safetensors', '--out', 'soup.safetensors'], folder);
    const found = await tensorOf(join(folder, 'soup.safetensors'), 'w');
    expect(new Uint16Array(found.buffer)[0]).toBe(expected);
  });

  it('replaces an earlier soup, and may replace an ingredient', async () => {
    const { folder, values } = await threeModels();
    const { code } = await runRadin(['average', 'a.safetensors', 'b.safetensors', '--out', 'a.safetensors'], folder);
    expect(code).toBe(0);
    const [a, b] = values as [Float32Array, Float32Array];
    const found = new Float32Array((await tensorOf(join(folder, 'a.safetensors'), 'w')).buffer);
    expect(found[7]).toBe(Math.fround(((a[7] as number) + (b[7] as number)) / 2));
  });

  it('says in one line what it wrote without --json', async () => {
    const { folder } = await threeModels();
    const { stdout, stderr } = await runRadin(['average', '*.safetensors', '--out', 'soup.safetensors'], folder);
    expect(stdout).toMatch(
      /^wrote soup\.safetensors: average of 3 models, 2 tensors, \d+ bytes, sha256 [0-9a-f]{64}\n$/,
    );
    expect(stderr).toBe('');
  });
});

describe('a soup of many models', () => {
  it('tells the peak of memory beside the limit and nothing else', async () => {
    const folder = newFolder();
    for (let k = 0; k < 20; k++) {
      await writeModel(join(folder, `m${10 + k}.safetensors`), [float32('w', [1], Float32Array.of(k))]);
    }
    const { code, stderr } = await runRadin(
      ['average', '*.safetensors', '--out', 'soup.safetensors', '--max-memory', '300MiB'],
      folder,
    );
    expect(stderr).toMatch(/^radin: note: peak memory .* MiB, predicted at most 300 MiB, allowed 300 MiB\n$/);
    expect(code).toBe(0);
    const soup = await openSafetensors(join(folder, 'soup.safetensors'));
    const bytes = new Uint8Array(4);
    await soup.read('w', bytes).finally(() => soup.close());
    expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.of(9.5));
  });
});
