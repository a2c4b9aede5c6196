import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackend } from '@radin/native';
import { expect, onTestFinished, test } from 'vitest';
import type { onnx } from '#onnx';
import { BatchNormEstimator, WithStatistics } from '../../src/batch-norm/index.js';
import { readInputs } from '../../src/data/index.js';
import { type Dtype, readOnnx } from '../../src/formats/index.js';
import { Journal } from '../../src/journal/index.js';
import { accuracy } from '../../src/metric/index.js';
import { Mixture, Soup } from '../../src/mixture/index.js';
import { closeCheckpoints, openCheckpoints, Pool } from '../../src/pool/index.js';
import { leastMemory, type PoolFiles, Problem } from '../../src/problem/index.js';
import {
  draw,
  node,
  numbers,
  refused,
  temporaryFolder,
  tensor,
  value,
  writeArray,
  writeGraph,
  writeModel,
  zeros,
} from '../pools.js';

const folder = temporaryFolder();
const backend = openBackend('reference');

const [SAMPLES, CHANNELS, WIDTH, CLASSES] = [37, 3, 4, 2];
const EPSILON = 1e-5;

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  ...normShapes('n0', CHANNELS),
  ...normShapes('n1', CHANNELS),
  ...normShapes('n2', CHANNELS * WIDTH),
  w: [CHANNELS * WIDTH, CLASSES],
};

function normShapes(name: string, channels: number): Record<string, readonly number[]> {
  return Object.fromEntries(['scale', 'bias', 'mean', 'variance'].map((part) => [`${name}.${part}`, [channels]]));
}

function norm(name: string, input: string, output: string): onnx.NodeProto.$Properties {
  const inputs = ['scale', 'bias', 'mean', 'variance'].map((part) => `${name}.${part}`);
  return node('BatchNormalization', [input, ...inputs], output);
}

/** x [batch, 3, 4] → norm → relu, twice with a skip, flat → norm → MatMul: normalisations of three levels and of both ranks. */
function graphOf(dtype: Dtype): onnx.GraphProto.$Properties {
  return {
    input: [value('x', dtype, ['batch', CHANNELS, WIDTH])],
    output: [value('logits', dtype, ['batch', CLASSES])],
    initializer: Object.entries(SHAPES).map(([name, shape]) => zeros(name, dtype, shape)),
    node: [
      norm('n0', 'x', 'a'),
      node('Relu', ['a'], 'b'),
      norm('n1', 'b', 'c'),
      node('Add', ['c', 'x'], 'd'),
      node('Flatten', ['d'], 'e'),
      norm('n2', 'e', 'f'),
      node('MatMul', ['f', 'w'], 'logits'),
    ],
  };
}

type Weights = Record<string, Float64Array>;

/** The network in training mode with all samples in one batch, in float64: its logits, and the statistics that it normalises by. */
function trainingMode(weights: Weights, inputs: Float64Array): { logits: number[]; statistics: Weights } {
  const statistics: Weights = {};
  const normalise = (name: string, x: Float64Array, channels: number): Float64Array => {
    const positions = x.length / SAMPLES / channels;
    const channelOf = (at: number) => Math.floor(at / positions) % channels;
    const moment = (term: (at: number) => number) => {
      const sums = new Float64Array(channels);
      for (const at of x.keys()) sums[channelOf(at)] = (sums[channelOf(at)] as number) + term(at);
      return sums.map((sum) => sum / (SAMPLES * positions));
    };
    const mean = moment((at) => x[at] as number);
    const variance = moment((at) => ((x[at] as number) - (mean[channelOf(at)] as number)) ** 2);
    Object.assign(statistics, { [`${name}.mean`]: mean, [`${name}.variance`]: variance });
    return x.map((v, at) => {
      const c = channelOf(at);
      const part = (key: string) => weights[`${name}.${key}`]?.[c] as number;
      return ((v - (mean[c] as number)) / Math.sqrt((variance[c] as number) + EPSILON)) * part('scale') + part('bias');
    });
  };
  const b = normalise('n0', inputs, CHANNELS).map((v) => Math.max(v, 0));
  const d = normalise('n1', b, CHANNELS).map((v, at) => v + (inputs[at] as number));
  const f = normalise('n2', d, CHANNELS * WIDTH);
  const features = CHANNELS * WIDTH;
  const logits = Array.from({ length: SAMPLES * CLASSES }, (_, at) => {
    const [row, column] = [Math.floor(at / CLASSES), at % CLASSES];
    let sum = 0;
    for (let i = 0; i < features; i++) {
      sum += (f[row * features + i] as number) * (weights.w?.[i * CLASSES + column] as number);
    }
    return sum;
  });
  return { logits, statistics };
}

async function poolOf(dtype: 'F32' | 'F64', models = 3) {
  const next = numbers(5);
  const typed = (values: Float64Array) => (dtype === 'F32' ? Float32Array.from(values) : values);
  const weights = Array.from({ length: models }, () =>
    Object.fromEntries(
      Object.entries(SHAPES).map(([name, shape]) => {
        const drawn = Float64Array.from(
          draw(
            next,
            shape.reduce((a, b) => a * b),
          ),
        );
        // Wide enough that averaged statistics are wrong by much.
        return [name, name.endsWith('variance') ? drawn.map((v) => 3 + Math.abs(v)) : drawn];
      }),
    ),
  );
  const inputs = Float64Array.from(draw(next, SAMPLES * CHANNELS * WIDTH, 2)).map((v) => v + 50);
  const paths = await Promise.all(
    weights.map((one, k) =>
      writeModel(
        join(folder, `${dtype}-${k}.safetensors`),
        Object.fromEntries(
          Object.entries(one).map(([name, values]) => [
            name,
            tensor(dtype, SHAPES[name] as readonly number[], typed(values)),
          ]),
        ),
      ),
    ),
  );
  const files = {
    graph: writeGraph(join(folder, `${dtype}.onnx`), graphOf(dtype)),
    models: paths,
    validation: {
      inputs: await writeArray(
        join(folder, `${dtype}-x.npy`),
        tensor(dtype, [SAMPLES, CHANNELS, WIDTH], typed(inputs)),
      ),
      labels: await writeArray(
        join(folder, `${dtype}-y.npy`),
        tensor(
          'I32',
          [SAMPLES],
          Int32Array.from({ length: SAMPLES }, (_, m) => m % CLASSES),
        ),
      ),
    },
  };
  const checkpoints = await openCheckpoints(paths);
  onTestFinished(() => closeCheckpoints(checkpoints));
  return { files, pool: new Pool(checkpoints), weights, inputs };
}

function averageOf(weights: readonly Weights[]): Weights {
  const [first = {}] = weights;
  return Object.fromEntries(
    Object.entries(first).map(([name, values]) => [
      name,
      values.map((_, at) => weights.reduce((sum, one) => sum + (one[name]?.[at] as number), 0) / weights.length),
    ]),
  );
}

const mixture = Mixture.uniform(3, [0, 1, 2]);

test.each([
  ['F64', 1e-11],
  ['F32', 1e-6],
] as const)(
  'the statistics of a %s soup are those of a pass in training mode with all inputs in one batch',
  async (dtype, tolerance) => {
    const { files, pool, weights, inputs } = await poolOf(dtype);
    const graph = await readOnnx(files.graph);
    const estimator = new BatchNormEstimator(graph, pool, await readInputs(files.validation.inputs), {
      threads: 1,
      batch: 10,
    });
    const soup = new Soup(pool, mixture, backend);
    const { statistics } = trainingMode(averageOf(weights), inputs);
    const found = await estimator.estimate(soup);
    expect([...found.keys()].sort()).toEqual(Object.keys(statistics).sort());
    for (const [name, bytes] of found) {
      const values = dtype === 'F32' ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
      for (const [at, wanted] of (statistics[name] as Float64Array).entries()) {
        expect(Math.abs((values[at] as number) - wanted) / (1 + Math.abs(wanted))).toBeLessThan(tolerance);
      }
    }
    expect([estimator.layers, estimator.passes, estimator.samples]).toEqual([3, 3, SAMPLES]);
    const overlaid = new WithStatistics(soup, found);
    const part = new Uint8Array(4);
    await overlaid.read('n0.mean', part, 8);
    expect(part).toEqual(found.get('n0.mean')?.slice(8, 12));
  },
);

test('a problem with inputs for BatchNorm evaluates and keeps soups with new statistics and single models with their own', async () => {
  const { files, weights, inputs } = await poolOf('F32');
  const problem = await Problem.open(
    { ...files, batchNormInputs: files.validation.inputs },
    { metric: accuracy, backend: 'reference', threads: 1 },
  );
  onTestFinished(() => problem.dispose());
  const soup = await problem.soups.open(mixture);
  const { logits } = await problem.validation.evaluate(soup);
  const wanted = trainingMode(averageOf(weights), inputs).logits;
  for (const [at, logit] of wanted.entries()) expect(logits?.values[at]).toBeCloseTo(logit, 3);
  const right = Array.from({ length: SAMPLES }, (_, m) =>
    Number((wanted[2 * m + 1] as number) > (wanted[2 * m] as number)),
  );
  const score = right.filter((label, m) => label === m % CLASSES).length / SAMPLES;
  expect(await problem.validation.scores([mixture])).toEqual([score]);
  expect(await problem.soups.open(Mixture.uniform(3, [1]))).toBeInstanceOf(Soup);
  expect(problem.notices).toEqual([]);
  const geometry = await problem.geometry();
  expect(geometry.groups.map(({ name }) => name).join()).not.toContain('mean');
});

test('what the average would score as it is, is evaluated once, also by a run that goes on', async () => {
  const { files } = await poolOf('F32');
  const out = join(folder, 'journaled');
  const found: (number | undefined)[] = [];
  const lines: number[] = [];
  for (let run = 0; run < 2; run++) {
    const journal = await Journal.open(out, { version: '1' });
    const options = { metric: accuracy, backend: 'reference', threads: 1, journal };
    const problem = await Problem.open({ ...files, batchNormInputs: files.validation.inputs }, options);
    await journal.begin({ budget: 1 });
    found.push(await problem.averagedScore(mixture, new AbortController().signal));
    await problem.dispose();
    await journal.close();
    lines.push(readFileSync(journal.path, 'utf8').split('"record":"evaluation"').length - 1);
  }
  const plain = await Problem.open(files, { metric: accuracy, backend: 'reference', threads: 1 });
  onTestFinished(() => plain.dispose());
  const [score] = await plain.validation.scores([mixture]);
  expect([found, lines]).toEqual([
    [score, score],
    [1, 1],
  ]);
});

test('a limit of memory counts what estimates, keeps it to as many threads, and changes no result', async () => {
  const { files } = await poolOf('F32');
  const open = async (maxMemory?: number, given: Partial<PoolFiles> = { batchNormInputs: files.validation.inputs }) => {
    const problem = await Problem.open(
      { ...files, ...given },
      { metric: accuracy, backend: 'auto', threads: 3, ...(maxMemory && { maxMemory }) },
    );
    onTestFinished(() => problem.dispose());
    return problem;
  };
  const free = await open();
  const least = leastMemory(free.memory.sizes);
  expect(least).toBeGreaterThan(leastMemory((await open(undefined, {})).memory.sizes) + 100 * 2 ** 20);
  const tight = await open(least);
  expect(tight.memory.shares?.atOnce).toBe(1);
  expect(await tight.validation.scores([mixture])).toEqual(await free.validation.scores([mixture]));
  expect(tight.memory.meter.peak).toBeGreaterThan(100 * 2 ** 20);
  await expect(open(least - 2 ** 21)).rejects.toThrow(refused('CONFIG', /--max-memory of at least \d+MiB/));
});

test('graphs whose statistics cannot be estimated are refused with the reason', async () => {
  const { files, pool } = await poolOf('F32');
  const inputs = await readInputs(files.validation.inputs);
  const graphWith = async (name: string, change: (graph: onnx.GraphProto.$Properties) => void) => {
    const graph = graphOf('F32');
    change(graph);
    return readOnnx(writeGraph(join(folder, `${name}.onnx`), graph));
  };
  const training = await graphWith('training', ({ node: nodes }) => {
    Object.assign(nodes?.[0] as object, { attribute: [{ name: 'training_mode', type: 2, i: 1 }] });
  });
  expect(() => new BatchNormEstimator(training, pool, inputs)).toThrow(refused('GRAPH', /in training mode/));
  const shared = await graphWith('shared', ({ node: nodes }) => {
    Object.assign(nodes?.[2] as object, norm('n0', 'b', 'c'));
  });
  expect(() => new BatchNormEstimator(shared, pool, inputs)).toThrow(refused('GRAPH', /two that share "n0.mean"/));
  const folded = await graphWith('folded', (graph) => {
    graph.node = [node('Flatten', ['x'], 'f'), node('MatMul', ['f', 'w'], 'logits')];
  });
  expect(() => new BatchNormEstimator(folded, pool, inputs)).toThrow(refused('GRAPH', /found none \(exporters fold/));
});

test('without inputs for it a pool with BatchNorm is opened with a notice', async () => {
  const { files } = await poolOf('F32');
  const problem = await Problem.open(files, { metric: accuracy, backend: 'reference', threads: 1 });
  onTestFinished(() => problem.dispose());
  expect(problem.notices).toEqual([
    expect.stringMatching(/^the graph has 3 BatchNormalization nodes of which .*--bn-inputs/),
  ]);
});
