import { onTestFinished } from 'vitest';
import type { ContentCache } from '../../src/cache/index.js';
import { readSplit } from '../../src/data/index.js';
import type { Evaluator } from '../../src/evaluator/index.js';
import { CachingEvaluator, LogitsKeys, OnnxEvaluator } from '../../src/evaluator/index.js';
import { readOnnx } from '../../src/formats/index.js';
import type { Journal } from '../../src/journal/index.js';
import { accuracy, type Metric } from '../../src/metric/index.js';
import type { Soup } from '../../src/mixture/index.js';
import {
  type Checkpoint,
  closeCheckpoints,
  KnownContents,
  measureGeometry,
  openCheckpoints,
  Pool,
} from '../../src/pool/index.js';
import { backendNamed } from '../../src/problem/index.js';
import { EvaluationMemory, SoupKeys, SplitScorer } from '../../src/stage2/index.js';
import type { TinyPool } from '../pools.js';

/** Soups of the same models with other weights have one id, but not one key. */
function nameOf(model: Checkpoint | Soup): string {
  return 'mixture' in model ? model.mixture.key : model.id;
}

/** The scorers of a pool and what they had evaluated, what the cache spared them left out; all is disposed of after the test. */
export async function openScorers(
  tiny: Pick<TinyPool, 'files'>,
  metric: Metric = accuracy,
  batch?: number,
  weightBytes?: number,
  cache?: ContentCache,
  journal?: Journal,
) {
  const { files } = tiny;
  const checkpoints = await openCheckpoints(files.models);
  onTestFinished(() => closeCheckpoints(checkpoints));
  const pool = new Pool(checkpoints);
  const onnxEvaluator = await OnnxEvaluator.open(await readOnnx(files.graph), pool, {
    threads: 2,
    ...(batch && { batch }),
  });
  onTestFinished(() => onnxEvaluator.dispose());
  const evaluated: string[] = [];
  const calls: string[] = [];
  const opened: string[] = [];
  let [open, mostOpen] = [0, 0];
  const parts: { readonly id: string; readonly samples: readonly number[] }[] = [];
  /** The real evaluator, with lists of what it was asked for: whole models, without and with their split; models in parts, and these parts. */
  const evaluator: Evaluator = {
    logits(model, inputs, options) {
      evaluated.push(model.id);
      calls.push(`${inputs.path === files.test.inputs ? 'test' : 'validation'} ${model.id}`);
      return onnxEvaluator.logits(model, inputs, options);
    },
    async open(model, inputs, options) {
      opened.push(nameOf(model));
      const loaded = await onnxEvaluator.open(model, inputs, options);
      open++;
      mostOpen = Math.max(mostOpen, open);
      return {
        logits(samples, run) {
          parts.push({ id: nameOf(model), samples: [...(samples ?? [])] });
          return loaded.logits(samples, run);
        },
        close() {
          open--;
          return loaded.close();
        },
      };
    },
    batchOf: (inputs) => onnxEvaluator.batchOf(inputs),
    weightBytes: weightBytes ?? onnxEvaluator.weightBytes,
    dispose: () => onnxEvaluator.dispose(),
  };
  const keys = new LogitsKeys(onnxEvaluator, new KnownContents());
  const remembering = cache && new CachingEvaluator(evaluator, keys, cache);
  const common = { pool, evaluator: remembering ?? evaluator, backend: backendNamed('auto'), metric };
  const scorer = async (name: 'validation' | 'test') => {
    const split = await readSplit(name, files[name]);
    const soups = new SoupKeys({ keys, pool, split, metric });
    const kept = { ...(cache && { cache }), ...(journal && { journal }) };
    const memory = cache || journal ? new EvaluationMemory({ soups, ...kept }) : undefined;
    return new SplitScorer({ ...common, split, ...(memory && { memory }) });
  };
  const [validation, test] = [await scorer('validation'), await scorer('test')];
  const geometry = (await measureGeometry(checkpoints, common.backend)).whole;
  return { pool, geometry, evaluator, validation, test, evaluated, calls, opened, parts, mostOpen: () => mostOpen };
}
