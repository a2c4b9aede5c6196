import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openOnnx, writeNpy } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { radinJson, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

const FIXTURES = new URL('../../core/test/formats/fixtures/onnx-models/', import.meta.url).pathname;

/** A pool whose `radin.yaml` names models and no graph. */
async function onnxPool(form: string): Promise<string> {
  const folder = newFolder();
  cpSync(join(FIXTURES, form), join(folder, 'models'), { recursive: true });
  const inputs = Float32Array.from({ length: 40 * 6 }, (_, at) => Math.sin(at * at));
  await writeNpy(join(folder, 'x.npy'), 'F32', [40, 2, 3], new Uint8Array(inputs.buffer));
  const labels = Int32Array.from({ length: 40 }, (_, at) => at % 3);
  await writeNpy(join(folder, 'y.npy'), 'I32', [40], new Uint8Array(labels.buffer));
  writeFileSync(join(folder, 'radin.yaml'), 'models: models/*.onnx\nvalidation: { inputs: x.npy, labels: y.npy }\n');
  return folder;
}

interface Result {
  readonly soupFile?: string;
  readonly best: { readonly models: string[]; readonly valScore: number };
}

describe.concurrent('a pool of ONNX files alone', () => {
  it('is searched without a graph, and its soup is one of them', async () => {
    const folder = await onnxPool('external');
    const { best, soupFile } = await radinJson<Result>(['search', '.', '--out', 'out'], folder);
    expect(soupFile).toBe('soup.onnx');
    expect(readdirSync(join(folder, 'out')).sort()).toEqual([
      'journal.jsonl',
      'radin.lock.json',
      'report.html',
      'result.json',
      'soup.onnx',
      'soup.onnx.data',
    ]);
    expect(readFileSync(join(folder, 'out/report.html'), 'utf8')).toContain('soup.onnx');
    expect(await radinJson(['verify', 'out/soup.onnx', '--scores'], folder)).toMatchObject({
      verified: true,
      files: 3,
    });
    const evaluated = await radinJson<{ score: number }>(['evaluate', '.', 'out/soup.onnx'], folder);
    expect(evaluated.score).toBe(best.valScore);
    const { tensors } = await radinJson<{ tensors: { sha256?: string }[] }>(['inspect', 'out/soup.onnx'], folder);
    expect(tensors.map(({ sha256 }) => sha256?.length)).toEqual([64, 64, 64, 64, 64, 64]);
  });

  it('is inspected, with external data and models that are another graph', async () => {
    const folder = await onnxPool('external');
    copyFileSync(join(FIXTURES, 'other-shape.onnx'), join(folder, 'models/e.onnx'));
    const { models } = await radinJson<{ models: { bytes: number; problems: string[] }[] }>(['inspect', '.'], folder);
    expect(models.map(({ problems }) => problems.length)).toEqual([0, 0, 0, 0, 1]);
    expect(models[4]?.problems[0]).toMatch(/"shape" to be I64 \[2\] .*e\.onnx: models in ONNX must be one graph/);
    const lengths = ['a.onnx', 'a.bin'].map((name) => readFileSync(join(folder, 'models', name)).length);
    expect(models[0]?.bytes).toBe((lengths[0] as number) + (lengths[1] as number));
  });

  it('is averaged to a file of the format that is asked for', async () => {
    const folder = await onnxPool('inline');
    const average = ['average', 'models/a.onnx', 'models/b.onnx', '--out', 'soup.onnx'];
    expect(await radinJson<object>(average, folder)).toMatchObject({
      out: 'soup.onnx',
      models: ['a', 'b'],
      tensors: 5,
    });
    const file = await openOnnx(join(folder, 'soup.onnx'));
    await file.close();
    expect(file.tensors).toHaveLength(5);
  });

  it.each([
    [
      'a soup in shards',
      ['search', '.', '--out', 'out', '--max-shard-size', '1MB'],
      /no --max-shard-size for models in ONNX/,
    ],
    ['in comparisons of methods', ['bench', '.', '--out', 'out', '--quiet'], /a pool with a graph/],
  ])('is refused %s', async (_, args, message) => {
    const folder = await onnxPool('inline');
    const before = listing(folder);
    const { code, stderr } = await runRadin(args, folder);
    expect(stderr).toMatch(/^radin: error: .+\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(listing(folder)).toEqual(before);
  });
});
