import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ContentCache } from '../../src/cache/index.js';
import { accuracy, crossEntropy, type Metric, topK } from '../../src/metric/index.js';
import { Problem } from '../../src/problem/index.js';
import type { Progress } from '../../src/progress.js';
import { adaptive, radin } from '../../src/recipes/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { raceTop } from '../../src/stage2/index.js';
import { node, reluGraph, type TinyPool, temporaryFolder, tinyPool, value, writeGraph } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const [MODELS, BATCH] = [5, 8];
const pool = tinyPool(folder, { models: MODELS, samples: 200, hidden: 6, classes: 4, noise: 1.5, seed: 3 });

type Files = TinyPool['files'];

/** A search on the pool with a cache folder, and what it ran: whole models, and parts of soups. */
async function search(
  cacheFolder: string | undefined,
  {
    metric = accuracy as Metric,
    strategy = 'adaptive' as 'adaptive' | 'radin',
    budget = 4,
    batch = BATCH,
    files = {} as Partial<Files>,
    onFailure = (_: string) => {},
    signal = undefined as AbortSignal | undefined,
    onProgress = (_: Progress) => {},
  } = {},
) {
  const cache = cacheFolder === undefined ? undefined : await ContentCache.open(cacheFolder, { onFailure });
  const opened = await openScorers({ files: { ...(await pool).files, ...files } }, metric, batch, undefined, cache);
  const { validation, geometry, evaluated, parts } = opened;
  const call = { onProgress, ...(signal && { signal }) };
  const proposal = { samplers: [monteCarlo], candidates: 20, seed: 1, includeUniform: true, lambda: 0, ...call };
  const run =
    strategy === 'adaptive'
      ? adaptive(validation, { budget, candidates: 50, geometry, ...call })
      : radin(validation, {
          ...proposal,
          budget,
          evaluate: (ranked, most, options) => raceTop(validation, ranked, most, { mode: 'exact' }, options),
        });
  const result = await run.catch((error: unknown) => {
    if (signal?.aborted) return undefined;
    throw error;
  });
  const found = await validation.evaluations(result ? [result.best.mixture] : []);
  const models = evaluated.filter((id) => !id.includes('+'));
  return {
    result,
    found,
    reused: validation.reused,
    /** Single models, and soups, that were run on any samples. */
    ran: [models.length, evaluated.length - models.length + new Set(parts.map(({ id }) => id)).size],
    parts: parts.flatMap(({ id, samples }) => samples.map((sample) => `${id} ${sample}`)).sort(),
  };
}

const newCache = () => mkdtempSync(join(folder, 'cache-'));

describe.each([accuracy, crossEntropy])('by $name', (metric) => {
  test.each(['adaptive', 'radin'] as const)(
    'a second search (%s) makes no forward pass and finds the same',
    async (strategy) => {
      const cache = newCache();
      const without = await search(undefined, { metric, strategy });
      const cold = await search(cache, { metric, strategy });
      const warm = await search(cache, { metric, strategy });
      expect(cold).toEqual(without);
      expect(cold.ran).toEqual([MODELS, 4]);
      expect(warm.ran).toEqual([0, 0]);
      expect([warm.result, warm.found]).toEqual([cold.result, cold.found]);
      expect(warm.reused.models).toBe(MODELS);
      expect(warm.reused.evaluations).toBeGreaterThan(0);
    },
  );
});

test('raising the budget from 3 to 6 evaluates exactly three soups more, and ends where a straight run does', async () => {
  const cache = newCache();
  expect((await search(cache, { budget: 3 })).ran).toEqual([MODELS, 3]);
  const raised = await search(cache, { budget: 6 });
  expect(raised.ran).toEqual([0, 3]);
  expect(raised.reused).toEqual({ models: MODELS, evaluations: 3 });
  expect(raised.result).toEqual((await search(undefined, { budget: 6 })).result);
});

test('a race that was aborted at any moment and is run again measures only what it had not', async () => {
  const whole = await search(undefined, { strategy: 'radin', budget: 12 });
  for (const steps of [1, 3, 6]) {
    const cache = newCache();
    const controller = new AbortController();
    let left = MODELS + steps;
    const onProgress = () => {
      if (--left === 0) controller.abort(new Error('stop'));
    };
    const first = await search(cache, { strategy: 'radin', budget: 12, signal: controller.signal, onProgress });
    const second = await search(cache, { strategy: 'radin', budget: 12 });
    expect(second.result).toEqual(whole.result);
    // What was under way when it was stopped is measured again; nothing is measured that the whole race does not.
    expect([...new Set([...first.parts, ...second.parts])].sort()).toEqual(whole.parts);
  }
});

describe('another result is not taken for the one that is asked for', () => {
  const flipped = async (path: string, offset: number) => {
    const copy = join(mkdtempSync(join(folder, 'flipped-')), path.split('/').at(-1) as string);
    const bytes = readFileSync(path);
    const at = bytes.length - 1 - offset;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(copy, bytes);
    return copy;
  };
  const [all, none] = [
    [MODELS, 4],
    [0, 0],
  ];

  test.each<[string, (files: Files) => Promise<Parameters<typeof search>[1]>, readonly number[]]>([
    ['nothing changed', async () => ({}), none],
    [
      'a bit of an input',
      async ({ validation }) => ({
        files: { validation: { ...validation, inputs: await flipped(validation.inputs, 2) } },
      }),
      all,
    ],
    ['samples per run', async () => ({ batch: 16 }), all],
    [
      'a node of the graph',
      async () => {
        const { output: _, ...graph } = reluGraph(5, 6, 4);
        const output = [value('twice', 'F32', ['batch', 4])];
        const twice = node('Add', ['logits', 'logits'], 'twice');
        const path = writeGraph(join(folder, 'twice.onnx'), { ...graph, output, node: [...(graph.node ?? []), twice] });
        return { files: { graph: path } };
      },
      all,
    ],
    ['the metric', async () => ({ metric: topK(2) }), [0, 4]],
  ])('%s', async (_, change, expected) => {
    const cache = newCache();
    await search(cache);
    const changes = await change((await pool).files);
    const changed = await search(cache, changes);
    expect(changed.ran).toEqual(expected);
    expect(changed.result).toEqual((await search(undefined, changes)).result);
  });

  test('a bit of a weight: that model, and all soups that it is in', async () => {
    const cache = newCache();
    const { models } = (await pool).files;
    await search(cache);
    const other = await flipped(models[0] as string, 0);
    const changed = await search(cache, { files: { models: [other, ...models.slice(1)] } });
    expect(changed.ran[0]).toBe(1);
    expect(changed.result).toEqual(
      (await search(undefined, { files: { models: [other, ...models.slice(1)] } })).result,
    );
  });

  test('a label: the soups and not the logits', async () => {
    const cache = newCache();
    const { validation } = (await pool).files;
    await search(cache);
    const labels = join(folder, 'other-labels.npy');
    copyFileSync(validation.labels, labels);
    const bytes = readFileSync(labels);
    bytes.writeInt32LE(bytes.readInt32LE(bytes.length - 4) === 0 ? 1 : 0, bytes.length - 4);
    writeFileSync(labels, bytes);
    expect((await search(cache, { files: { validation: { ...validation, labels } } })).ran).toEqual([0, 4]);
  });

  test('two outputs of one graph', async () => {
    const { files } = await pool;
    const graph = reluGraph(5, 6, 4);
    const twice = node('Add', ['logits', 'logits'], 'twice');
    const both = {
      ...graph,
      output: [...(graph.output ?? []), value('twice', 'F32', ['batch', 4])],
      node: [...(graph.node ?? []), twice],
    };
    const path = writeGraph(join(folder, 'both.onnx'), both);
    const cache = await ContentCache.open(newCache());
    const scores: number[] = [];
    for (const output of ['logits', 'twice', 'logits']) {
      const problem = await Problem.open(
        { ...files, graph: path, output },
        { metric: crossEntropy, backend: 'auto', threads: 1, cache },
      );
      scores.push((await problem.validation.individualScores())[0] as number);
      expect(problem.validation.reused.models).toBe(scores.length < 3 ? 0 : MODELS);
      await problem.dispose();
    }
    expect(scores[1]).not.toBe(scores[0]);
    expect(scores[2]).toBe(scores[0]);
  });
});

test('with every entry damaged, the search computes all again and finds the same', async () => {
  const cache = newCache();
  const cold = await search(cache);
  const entries = () => readdirSync(join(cache, 'entries')).map((name) => join(cache, 'entries', name));
  for (const damage of [
    (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length - 40 ? byte ^ 4 : byte)),
    (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
    () => Buffer.alloc(0),
  ]) {
    for (const path of entries()) writeFileSync(path, damage(readFileSync(path)));
    expect(await search(cache)).toEqual(cold);
    expect((await search(cache)).ran).toEqual([0, 0]);
  }
});

test('a folder that vanishes during the search costs one notice and no result', async () => {
  const cache = newCache();
  const failures: string[] = [];
  const onProgress = () => rmSync(join(cache, 'entries'), { recursive: true, force: true });
  const run = await search(cache, { onProgress, onFailure: (message) => failures.push(message) });
  expect(run.result).toEqual((await search(undefined)).result);
  expect(failures).toHaveLength(1);
});

test('what was computed while a file changed is not kept', async () => {
  const { models } = (await pool).files;
  const changing = join(mkdtempSync(join(folder, 'changing-')), 'm00.safetensors');
  copyFileSync(models[0] as string, changing);
  const cache = newCache();
  let seconds = 0;
  const onProgress = ({ phase }: Progress) => {
    // The same bytes: only the time of the change tells. In the model's own pass, so neither while it is hashed nor while soups are averaged,
    // which would take it for an error.
    if (phase === 'cache') utimesSync(changing, 0, ++seconds);
  };
  const files = { models: [changing] };
  await search(cache, { files, onProgress });
  expect((await search(cache, { files })).ran[0]).toBe(1);
});
