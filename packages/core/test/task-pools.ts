import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ContentCache } from '../src/cache/index.js';
import { readSplit } from '../src/data/index.js';
import { CachingEvaluator, LogitsKeys, OnnxEvaluator } from '../src/evaluator/index.js';
import { readOnnx } from '../src/formats/index.js';
import { type Metric, metricNamed, type Task } from '../src/metric/index.js';
import { closeCheckpoints, KnownContents, measureGeometry, openCheckpoints, Pool } from '../src/pool/index.js';
import { backendNamed } from '../src/problem/index.js';
import { EvaluationMemory, SoupKeys, SplitScorer } from '../src/stage2/index.js';
import {
  draw,
  f32,
  linearGraph,
  node,
  numbers,
  type TensorData,
  tensor,
  value,
  writeArray,
  writeGraph,
  writeModel,
} from './files.js';

export const [MODELS, SAMPLES, TOKENS] = [4, 60, 3];
const FEATURES = 5;

interface TaskPool {
  readonly task: Task;
  /** Numbers that the network gives for each sample, or token. */
  readonly width: number;
  /** Labels from the logits of the network that the models are noisy copies of. */
  readonly truth: (logits: Float64Array, next: () => number) => TensorData;
}

const argMax = (row: Float64Array) => row.indexOf(row.reduce((a, b) => Math.max(a, b)));

const TASK_POOLS = {
  'multi-class': {
    task: { name: 'multi-class' },
    width: 4,
    truth: (z) =>
      tensor(
        'I64',
        [SAMPLES],
        BigInt64Array.from(rows(z, 4), (row) => BigInt(argMax(row))),
      ),
  },
  binary: {
    task: { name: 'binary' },
    width: 1,
    truth: (z) =>
      tensor(
        'U8',
        [SAMPLES],
        Uint8Array.from(z, (logit) => (logit > 0 ? 1 : 0)),
      ),
  },
  'multi-label': {
    task: { name: 'multi-label' },
    width: 4,
    truth: (z) =>
      f32(
        [SAMPLES, 4],
        Float32Array.from(z, (logit) => (logit > 0 ? 1 : 0)),
      ),
  },
  regression: { task: { name: 'regression' }, width: 2, truth: (z) => tensor('F64', [SAMPLES, 2], z) },
  'token-classification': {
    task: { name: 'token-classification', ignoreIndex: -1 },
    width: 3,
    truth: (z, next) => {
      const labels = rows(z, 3).map((row) => (next() < -0.4 ? -1 : argMax(row)));
      return tensor('I32', [SAMPLES, TOKENS], Int32Array.from(labels));
    },
  },
} satisfies Record<Task['name'], TaskPool>;

function rows(values: Float64Array, width: number): Float64Array[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

/** A pool of linear networks, on which averaged logits are those of averaged weights; groups are the samples' numbers modulo 3. */
export async function taskFiles(parent: string, name: Task['name'], seed = 1) {
  const { task, width, truth }: TaskPool = TASK_POOLS[name];
  const next = numbers(seed);
  const place = mkdtempSync(join(parent, 'task-'));
  const teacher = draw(next, FEATURES * width);
  const perSample = name === 'token-classification' ? TOKENS : 1;
  const sizes = perSample > 1 ? [TOKENS] : [];
  const split = async (part: string) => {
    const inputs = draw(next, SAMPLES * perSample * FEATURES, 2);
    const logits = Float64Array.from({ length: SAMPLES * perSample * width }, (_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      let sum = 0;
      for (let d = 0; d < FEATURES; d++) {
        sum += (inputs[row * FEATURES + d] as number) * (teacher[d * width + column] as number);
      }
      return sum;
    });
    const groups = Int32Array.from({ length: SAMPLES }, (_, sample) => sample % 3);
    return {
      inputs: await writeArray(join(place, `${part}_x.npy`), f32([SAMPLES, ...sizes, FEATURES], inputs)),
      labels: await writeArray(join(place, `${part}_y.npy`), truth(logits, next)),
      groups: await writeArray(join(place, `${part}_g.npy`), tensor('I32', [SAMPLES], groups)),
    };
  };
  const models = Array.from({ length: MODELS }, (_, k) =>
    writeModel(join(place, `m${k}.safetensors`), {
      w: f32(
        [FEATURES, width],
        teacher.map((weight) => weight + 0.4 * next()),
      ),
      b: f32([width], draw(next, width, 0.2)),
    }),
  );
  const linear = linearGraph(FEATURES, width);
  // A binary model gives one number, without an axis of its own.
  const flat = [
    ...(linear.node ?? []).slice(0, 1),
    node('Add', ['product', 'b'], 'z'),
    node('Squeeze', ['z'], 'logits'),
  ];
  const graph = {
    ...linear,
    input: [value('x', 'F32', ['n', ...sizes, FEATURES])],
    output: [value('logits', 'F32', ['n', ...sizes, ...(name === 'binary' ? [] : [width])])],
    node: name === 'binary' ? flat : (linear.node ?? []),
  };
  return {
    task,
    graph: writeGraph(join(place, 'graph.onnx'), graph),
    models: await Promise.all(models),
    validation: await split('val'),
    test: await split('test'),
  };
}

export type TaskFiles = Awaited<ReturnType<typeof taskFiles>>;

/** Opens a pool once, for scorers by any metric; closed after the tests of the file. */
export async function openTask(files: TaskFiles) {
  const checkpoints = await openCheckpoints(files.models);
  afterAll(() => closeCheckpoints(checkpoints));
  const pool = new Pool(checkpoints);
  const backend = backendNamed('auto');
  const open = { threads: 1, task: files.task.name };
  const evaluator = await OnnxEvaluator.open(await readOnnx(files.graph), pool, open);
  afterAll(() => evaluator.dispose());
  return {
    pool,
    geometry: (await measureGeometry(checkpoints, backend)).whole,
    async scorer(
      metric: string | Metric,
      cache?: ContentCache,
      changed: Partial<TaskFiles> = {},
    ): Promise<SplitScorer> {
      const { validation, task } = { ...files, ...changed };
      const split = await readSplit('validation', validation, task);
      const by = typeof metric === 'string' ? (metricNamed(metric, task.name) as Metric) : metric;
      const keys = new LogitsKeys(evaluator, new KnownContents());
      const memory = cache && new EvaluationMemory({ cache, soups: new SoupKeys({ keys, pool, split, metric: by }) });
      const remembering = cache ? new CachingEvaluator(evaluator, keys, cache) : evaluator;
      return new SplitScorer({
        pool,
        split,
        evaluator: remembering,
        backend,
        metric: by,
        threads: 1,
        ...(memory && { memory }),
      });
    },
  };
}
