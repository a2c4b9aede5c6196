import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  basinWarnings,
  type Checkpoint,
  closeCheckpoints,
  type FileCheckpoint,
  measureGeometry,
  openCheckpoints,
  type PoolGeometry,
  WeightGeometry,
} from '../../src/pool/index.js';
import {
  draw,
  f32,
  numbers,
  readOnlyPool,
  refused,
  type TensorData,
  temporaryFolder,
  tensor,
  writeModel,
} from '../pools.js';

const folder = temporaryFolder();
const backend = openBackend('auto');
const opened: FileCheckpoint[] = [];
afterEach(() => closeCheckpoints(opened.splice(0)));

let files = 0;
async function checkpoints(models: readonly Record<string, TensorData>[]): Promise<FileCheckpoint[]> {
  const name = files++;
  const paths = await Promise.all(
    models.map((one, k) => writeModel(join(folder, `pool${name}-m${String(k).padStart(2, '0')}.safetensors`), one)),
  );
  opened.push(...(await openCheckpoints(paths)));
  return opened.slice(-models.length);
}

/** Two blocks and a counter that no soup averages, as numbers and as tensors. */
function model(seed: number, scale = 1): { values: number[][]; tensors: Record<string, TensorData> } {
  const next = numbers(seed);
  const values = [draw(next, 400, scale), draw(next, 300, scale)].map((array) =>
    Array.from(array, (x) => Math.fround(x + 3)),
  );
  return {
    values,
    tensors: {
      'blocks.0.weight': f32([20, 20], values[0] as number[]),
      'blocks.1.weight': f32([300], values[1] as number[]),
      steps: tensor('I64', [1], BigInt64Array.of(3n)),
    },
  };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const minus = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x - (b[i] as number));
const norm = (a: readonly number[]) => Math.sqrt(dot(a, a));
const mixed = (models: readonly (readonly number[])[], p: ArrayLike<number>) =>
  (models[0] as number[]).map((_, i) => models.reduce((sum, w, k) => sum + (p[k] as number) * (w[i] as number), 0));

const mixtures = (size: number) =>
  fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: size, maxLength: size }).map((weights) => {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return Float64Array.from(weights, (weight) => weight / sum);
  });

describe('the geometry of a pool', () => {
  test.each([false, true])(
    'has the lengths that the weights themselves have, initialisation: %s',
    async (withStart) => {
      const made = [1, 2, 3, 4, 5].map((seed) => model(seed));
      const start = model(9, 0);
      const models = await checkpoints([...made, start].map(({ tensors }) => tensors));
      const initialisation = models.pop() as FileCheckpoint;
      const geometry = await measureGeometry(models, backend, withStart ? { start: initialisation } : {});
      const { whole, groups, ids } = geometry;
      expect(ids).toEqual(models.map(({ id }) => id));
      expect(groups.map(({ name }) => name)).toEqual(['blocks.0', 'blocks.1']);
      const flat = made.map(({ values }) => values.flat());
      const origin = start.values.flat();
      await fc.assert(
        fc.asyncProperty(mixtures(5), mixtures(5), async (p, q) => {
          const [soup, other] = [mixed(flat, p), mixed(flat, q)];
          const mean = mixed(flat, new Array(5).fill(0.2));
          expect(whole.squaredDistance(p, q)).toBeCloseTo(norm(minus(soup, other)) ** 2, 4);
          const variance = flat.reduce((sum, w, k) => sum + (p[k] as number) * norm(minus(w, soup)) ** 2, 0);
          expect(whole.variance(p)).toBeCloseTo(variance, 4);
          expect(whole.distanceFromMean(p)).toBeCloseTo(norm(minus(soup, mean)), 4);
          if (withStart) expect(whole.distanceFromStart(p)).toBeCloseTo(norm(minus(soup, origin)), 4);
          else expect(whole.distanceFromStart(p)).toBeUndefined();
          const parts = groups.map((group) => group.geometry.squaredDistance(p, q));
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(whole.squaredDistance(p, q), 8);
        }),
        { numRuns: 20 },
      );
      const centre = withStart ? origin : mixed(flat, new Array(5).fill(0.2));
      for (const [i, j] of [
        [0, 1],
        [2, 4],
      ] as const) {
        expect(whole.distance(i, j)).toBeCloseTo(norm(minus(flat[i] as number[], flat[j] as number[])), 5);
        const [a, b] = [minus(flat[i] as number[], centre), minus(flat[j] as number[], centre)];
        expect(whole.angle(i, j)).toBeCloseTo(Math.acos(dot(a, b) / norm(a) / norm(b)), 5);
      }
    },
  );

  test('is the same from checkpoints that are in no file', async () => {
    const models = await checkpoints([1, 2, 3].map((seed) => model(seed).tensors));
    const unfiled = models.map((one): Checkpoint => ({ id: one.id, tensors: one.tensors, read: one.read.bind(one) }));
    const expected = await measureGeometry(models, backend);
    expect(await measureGeometry(unfiled, backend)).toEqual(expected);
  });

  test('names the file that it cannot read', async () => {
    const models = await checkpoints([1, 2].map((seed) => model(seed).tensors));
    truncateSync(models[1]?.path as string, 1_000);
    await expect(measureGeometry(models, backend)).rejects.toEqual(refused('FILE', /m01\.safetensors/));
  });

  test('of one model has no distances', async () => {
    const geometry = await measureGeometry(await checkpoints([model(1).tensors]), backend);
    expect([...geometry.whole.gram]).toEqual([0]);
    expect(geometry.whole.medianDistance).toBe(0);
    expect(basinWarnings(geometry)).toEqual([]);
  });

  test('groups tensors by their block', async () => {
    const names = [
      'blocks.0.attn.qkv.weight',
      'blocks.0.attn.qkv.bias',
      'blocks.11.norm.weight',
      'encoder/encoder_layer_3/w',
      'layer1.0.conv2.weight',
      'layer1.1.conv2.weight',
      'conv1.weight',
      'head.weight',
      'head.bias',
      'position',
      'w1',
    ];
    const geometry = await measureGeometry(
      await checkpoints([Object.fromEntries(names.map((name) => [name, f32([1], [1])]))]),
      backend,
    );
    expect(geometry.groups.map(({ name }) => name).sort()).toEqual(
      [
        'blocks.0',
        'blocks.11',
        'encoder/encoder_layer_3',
        'layer1.0',
        'layer1.1',
        'conv1',
        'head',
        'position',
        'w1',
      ].sort(),
    );
  });
});

describe('a geometry', () => {
  test('does not depend on what the models were compared with', () => {
    const points = [
      [1, 2],
      [3, 1],
      [-1, 4],
    ];
    const productsFrom = (origin: number[]) =>
      Float64Array.from(points.flatMap((a) => points.map((b) => dot(minus(a, origin), minus(b, origin)))));
    const a = new WeightGeometry(productsFrom([0, 0]));
    const b = new WeightGeometry(productsFrom([5, -3]));
    for (const [i, value] of a.gram.entries()) expect(b.gram[i]).toBeCloseTo(value, 10);
  });

  test('finds no variance in a single model', () => {
    const geometry = new WeightGeometry(Float64Array.of(2, 0, 0, 2));
    expect(geometry.variance([1, 0])).toBe(0);
    expect(geometry.variance([0.5, 0.5])).toBe(1);
    expect(geometry.medianDistance).toBe(2);
  });

  test('is of a whole matrix', () => {
    expect(() => new WeightGeometry(new Float64Array(3))).toThrow(RangeError);
  });
});

describe('the warnings', () => {
  const measured = async (models: readonly Record<string, TensorData>[]): Promise<PoolGeometry> =>
    measureGeometry(await checkpoints(models), backend);

  test('name no model of a healthy pool', async () => {
    expect(basinWarnings(await measured([1, 2, 3, 4, 5, 6].map((seed) => model(seed).tensors)))).toEqual([]);
  });

  test('name the models that are far, with their evidence, and no other', async () => {
    const models = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => model(seed, seed === 3 || seed === 6 ? 9 : 1).tensors);
    const warnings = basinWarnings(await measured(models));
    expect(warnings.map(({ model }) => model)).toEqual([expect.stringMatching(/m02$/), expect.stringMatching(/m05$/)]);
    for (const { message } of warnings) {
      expect(message).toMatch(
        /^model pool\d+-m0\d may be outside the basin of the others: its distance from the other models \(median\) is [\d.]+, [\d.]+ times the usual \(robust z [\d.]+\); it is farthest from pool\d+-m0[25] \([\d.]+\), and 5\d % of its squared distance from the mean is in blocks\.0; /,
      );
    }
  });

  test('say how far from the initialisation a model is that has left it alone', async () => {
    const start = model(9, 0).tensors;
    const made = [1, 2, 3, 4, 5].map((seed) => model(seed, seed === 5 ? 6 : 1).tensors);
    const models = await checkpoints([...made, start]);
    const geometry = await measureGeometry(models.slice(0, 5), backend, { start: models[5] as FileCheckpoint });
    expect(basinWarnings(geometry)).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/from the initialisation is [\d.]+, [56][\d.]* times the usual/),
      }),
    ]);
  });

  test('name a model whose weights are not numbers, and judge the others by themselves', async () => {
    const models = [1, 2, 3, 4, 5, 6].map((seed) => model(seed, seed === 4 ? 9 : 1));
    const ruined = models[1]?.values[1]?.map((x, i) => (i < 7 ? Number.NaN : x)) as number[];
    const withRuined = models.map(({ tensors }, k) =>
      k === 1 ? { ...tensors, 'blocks.1.weight': f32([300], ruined) } : tensors,
    );
    const geometry = await measured(withRuined);
    expect(geometry.notFinite).toEqual([0, 7, 0, 0, 0, 0]);
    const warnings = basinWarnings(geometry);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^model pool\d+-m01 has 7 NaN or infinite weights where other models have numbers$/),
      expect.stringMatching(/^model pool\d+-m03 may be outside/),
    ]);
    const others = models.filter((_, k) => k !== 1).map(({ tensors }) => tensors);
    const alone = await measured(others);
    expect(geometry.whole.medianDistance).toBeCloseTo(alone.whole.medianDistance, 4);
  });

  test('of a pool of equal models and one other are none: there is no usual distance', async () => {
    expect(basinWarnings(await measured([1, 1, 1, 1, 2].map((seed) => model(seed).tensors)))).toEqual([]);
  });

  test('do not take masks that all models share for ruins', async () => {
    const masked = [1, 2, 3, 4].map((seed) => ({ ...model(seed).tensors, mask: f32([2], [0, -Infinity]) }));
    const geometry = await measured(masked);
    expect(geometry.notFinite).toEqual([1, 1, 1, 1]);
    expect(basinWarnings(geometry)).toEqual([]);
  });
});

test('tensors that can only be read are measured a few MiB of all models at a time', async () => {
  const [count, length] = [9, 2 ** 19 + 5];
  const { pool, largest, weights } = readOnlyPool(count, length);
  const { whole } = await measureGeometry(pool.checkpoints, backend);
  const [, first] = weights as [Float32Array, Float32Array];
  // The first model's weights are half of the second's, the third's three halves.
  let squares = 0;
  for (let at = 0; at < length; at++) squares += ((first[at] as number) / 2) ** 2;
  for (let at = 0; at < 3; at++) squares += ((first[at] as number) / 2) ** 2;
  expect(whole.distance(2, 5)).toBeCloseTo(3 * Math.sqrt(squares), 6);
  expect(largest() * count).toBeLessThanOrEqual(16 * 2 ** 20);
});
