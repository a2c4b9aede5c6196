import { appendFileSync, copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { accuracy } from '../../src/metric/index.js';
import { backendNamed, type PoolFiles, Problem, type ProblemOptions } from '../../src/problem/index.js';
import { radin } from '../../src/recipes/index.js';
import { exhaustive } from '../../src/sampler/index.js';
import {
  draw,
  f32,
  numbers,
  refused,
  soupAccuracy,
  temporaryFolder,
  tensor,
  tinyPool,
  writeArray,
  writeModel,
} from '../pools.js';

const folder = temporaryFolder();
const linear = tinyPool(folder, { models: 3, samples: 40, noise: 1.5 });
const options: ProblemOptions = { metric: accuracy, backend: 'auto', threads: 2 };

async function open(files: PoolFiles, changes: Partial<ProblemOptions> = {}): Promise<Problem> {
  const problem = await Problem.open(files, { ...options, ...changes });
  onTestFinished(() => problem.dispose());
  return problem;
}

describe('a pool of files is opened', () => {
  test('with scorers of both splits, and searched', async () => {
    const pool = await linear;
    const problem = await open(pool.files);
    expect(problem.pool.ids).toEqual(['m00', 'm01', 'm02']);
    expect(problem.notices).toEqual([]);
    const search = { samplers: [exhaustive], candidates: 7, seed: 0, includeUniform: true, budget: 7, lambda: 0 };
    const { best } = await radin(problem.validation, search);
    expect(best.score).toBe(soupAccuracy(pool, best.mixture.ingredients, 'validation'));
    expect(await (await problem.openTest())?.scores([best.mixture])).toEqual([
      soupAccuracy(pool, best.mixture.ingredients, 'test'),
    ]);
  });

  test('with one split where the other is not there, or not asked for', async () => {
    const { files } = await linear;
    const { test: _, ...untested } = files;
    expect(await (await open(untested)).openTest()).toBeUndefined();
    expect(await (await open(files, { splits: ['validation'] })).openTest()).toBeUndefined();
    const testOnly = await open(files, { splits: ['test'] });
    expect(await testOnly.openTest()).toBeDefined();
    expect(() => testOnly.validation).toThrow(RangeError);
  });
});

test.each<[string, (graph: string) => void]>([
  ['is written to', (graph) => appendFileSync(graph, '\0')],
  [
    'is replaced',
    (graph) => {
      copyFileSync(graph, `${graph}.new`);
      renameSync(`${graph}.new`, graph);
    },
  ],
])('a graph that %s after it was opened is found out', async (change, alter) => {
  const { files } = await linear;
  const graph = join(folder, `graph that ${change}.onnx`);
  copyFileSync(files.graph as string, graph);
  const problem = await open({ ...files, graph });
  await problem.checkGraphUnchanged();
  alter(graph);
  await expect(problem.checkGraphUnchanged()).rejects.toThrow(
    `Expected a file that stays as it is but found a change while it was read: ${graph}`,
  );
});

describe('what the user should know', () => {
  test('is said of an initializer that no model has', async () => {
    const { files } = await linear;
    const models = await Promise.all(
      [1, 2].map((seed) =>
        writeModel(join(folder, `w${seed}.safetensors`), { w: f32([5, 3], new Float32Array(15).fill(seed)) }),
      ),
    );
    const { notices } = await open({ ...files, models });
    expect(notices).toEqual([expect.stringMatching(/^no model has the tensor b of the graph .*graph\.onnx/)]);
  });

  test('is said of models of equal weights, and not of others of equal logits', async () => {
    const { files } = await linear;
    const copy = join(folder, 'copy.safetensors');
    copyFileSync(files.models[1] as string, copy);
    const problem = await open({ ...files, models: [...files.models, copy] });
    expect(await problem.duplicateNotices()).toEqual([
      expect.stringMatching(/^models m01 and copy have equal weights/),
    ]);
    expect(await (await open(files)).duplicateNotices()).toEqual([]);
    // With a feature that is 0 everywhere, its weights can differ and no logit does.
    const next = numbers(9);
    const x = draw(next, 40 * 5).map((feature, at) => (at % 5 === 4 ? 0 : feature));
    const validation = { ...files.validation, inputs: await writeArray(join(folder, 'x.npy'), f32([40, 5], x)) };
    const w = draw(next, 15);
    const models = await Promise.all(
      [1, 2].map((last) => {
        const tensors = { w: f32([5, 3], w.with(14, last)), b: f32([3], [0, 0, 0]) };
        return writeModel(join(folder, `last${last}.safetensors`), tensors);
      }),
    );
    const alike = await open({ ...files, validation, models });
    const [one, other] = (await alike.validation.cache()).logits;
    expect(one?.source).toEqual(other?.source);
    expect(await alike.duplicateNotices()).toEqual([]);
  });
});

describe('what cannot be searched is refused before a model runs:', () => {
  test('models that do not fit the graph, or each other', async () => {
    const { files } = await linear;
    const odd = await writeModel(join(folder, 'odd.safetensors'), {
      w: f32([4, 3], new Float32Array(12)),
      b: f32([3], [1, 2, 3]),
    });
    await expect(open({ ...files, models: [odd] })).rejects.toEqual(
      refused('POOL', /"w" of model odd to be F32 \[5, 3\]/),
    );
    await expect(open({ ...files, models: [...files.models, odd] })).rejects.toEqual(refused('POOL', /in model odd$/));
  });

  test('integers that differ between models, named with both; a step counter is none of them', async () => {
    const { files } = await linear;
    const model = (id: string, name: string, count: bigint) =>
      writeModel(join(folder, `${id}.safetensors`), {
        w: f32([5, 3], new Float32Array(15).fill(Number(count))),
        b: f32([3], [0, 0, 0]),
        [name]: tensor('I64', [], BigInt64Array.of(count)),
      });
    const differ = [await model('x', 'version', 1n), await model('y', 'version', 2n)];
    await expect(open({ ...files, models: differ })).rejects.toEqual(refused('POOL', /"version", I64.* "x" and "y"/));
    const counters = [await model('u', 'bn.num_batches_tracked', 1n), await model('v', 'bn.num_batches_tracked', 2n)];
    expect((await open({ ...files, models: counters })).pool.size).toBe(2);
  });

  test('labels of classes that the graph does not have', async () => {
    const { files } = await linear;
    const labels = await writeArray(join(folder, 'many.npy'), tensor('U8', [40], new Uint8Array(40).fill(3, 39)));
    const validation = { ...files.validation, labels };
    await expect(open({ ...files, validation })).rejects.toEqual(refused('DATA', /labels below 3.* found 3 .* row 39/));
  });

  test('an output that the graph does not have', async () => {
    const { files } = await linear;
    await expect(open({ ...files, output: 'none' })).rejects.toEqual(refused('GRAPH', /output "none"/));
  });

  test('a backend that does not exist', async () => {
    const { files } = await linear;
    await expect(open(files, { backend: 'abacus' })).rejects.toEqual(refused('BACKEND', /abacus/));
    expect(() => backendNamed('abacus')).toThrow(refused('BACKEND', /abacus/));
  });
});
