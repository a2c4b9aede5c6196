import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNpy } from '@radin/core';
import { describe, expect, it } from 'vitest';
import { linearGraph } from './linear-graph.js';
import {
  CLASSES,
  FEATURES,
  type LinearModel,
  type LinearPool,
  layers,
  modelPath,
  writeConfig,
  writeFloats,
  writeLabels,
  writeModel,
} from './pools.js';
import { refusal, type Spoil } from './refusal.js';

/** What is wrong, how it is brought about, and what the one line must say. */
type Case = readonly [title: string, spoil: Spoil, message: RegExp];

const SEARCH = ['search', '.', '--out', 'out', '--json'];

const file = (pool: LinearPool, name: string) => join(pool.folder, name);
const parts = (pool: LinearPool, index: number) => layers(pool.models[index] as LinearModel);
const graph = (pool: LinearPool, options: object) =>
  writeFileSync(file(pool, 'model.onnx'), linearGraph({ features: FEATURES, classes: CLASSES, ...options }));

describe.concurrent('search refuses models', () => {
  it.each<Case>([
    [
      'without a tensor that the others have',
      (pool) => writeModel(modelPath(pool, 'c'), parts(pool, 2).slice(0, 1)),
      /"bias" \(F32 \[4\] in model a\) but found none .*model c$/m,
    ],
    [
      'with a tensor that the others do not have',
      (pool) => writeModel(modelPath(pool, 'a'), [...parts(pool, 0), { ...parts(pool, 0)[1], name: 'extra' }]),
      /no tensor "extra".*model a$/m,
    ],
    [
      'of another shape',
      (pool) => writeModel(modelPath(pool, 'b'), [{ ...parts(pool, 1)[0], shape: [4, 6] }, parts(pool, 1)[1]]),
      /"weight" to be F32 \[6, 4\] .*found F32 \[4, 6\] in model b$/m,
    ],
    [
      'of another dtype',
      (pool) => {
        const [weight, bias] = parts(pool, 3);
        return writeModel(modelPath(pool, 'd'), [weight, { ...bias, dtype: 'I32' }]);
      },
      /"bias" to be F32 \[4\] .*found I32 \[4\] in model d$/m,
    ],
    [
      'that the graph does not have',
      async (pool) => {
        for (const [index, { id }] of pool.models.entries()) {
          const [weight, bias] = parts(pool, index);
          await writeModel(modelPath(pool, id), [weight, { ...bias, name: 'fc.bias' }]);
        }
      },
      /initializer "fc\.bias" in the graph .*model\.onnx/,
    ],
    [
      'with NaN among their weights',
      async (pool) => {
        const model = pool.models[2] as LinearModel;
        await writeModel(modelPath(pool, 'c'), layers({ ...model, weight: model.weight.with(7, Number.NaN) }));
      },
      /NaN in models\/c\.safetensors, tensor "weight", element 7$/m,
    ],
    [
      'whose logits are infinite',
      async (pool) => {
        const model = pool.models[1] as LinearModel;
        await writeModel(
          modelPath(pool, 'b'),
          layers({ ...model, bias: model.bias.with(3, Number.POSITIVE_INFINITY) }),
        );
      },
      /finite logits but found Infinity, class 3, sample 0 \(model "b"/,
    ],
    ['cut in their data', (pool) => truncateSync(modelPath(pool, 'b'), 150), /models\/b\.safetensors/],
    ['cut in their header', (pool) => truncateSync(modelPath(pool, 'b'), 40), /header.*models\/b\.safetensors/],
    ['of no bytes', (pool) => writeFileSync(modelPath(pool, 'b'), ''), /8 bytes or more but found 0 .*b\.safetensors/],
    [
      'of another format',
      (pool) => writeFileSync(modelPath(pool, 'b'), 'PK\x03\x04 is how a PyTorch file begins'),
      /safetensors.*models\/b\.safetensors/,
    ],
    [
      'that are folders',
      (pool) => writeConfig(pool.folder, { models: '[models/a.safetensors, models]' }),
      /a model \(model\.safetensors, .* or .*\) in the folder models but found none$/m,
    ],
    [
      'that no file matches',
      (pool) => writeConfig(pool.folder, { models: "'weights/*.safetensors'" }),
      /"weights\/\*\.safetensors" but found none .*radin\.yaml:2:1/,
    ],
    [
      'that are not there',
      (pool) => writeConfig(pool.folder, { models: '[models/a.safetensors, models/z.safetensors]' }),
      /read models\/z\.safetensors .*no such file/,
    ],
    [
      'that are listed twice',
      (pool) => writeConfig(pool.folder, { models: '[models/a.safetensors, models/*.safetensors]' }),
      /once but found "models\/a\.safetensors" listed twice/,
    ],
    [
      'that share a name',
      (pool) => {
        mkdirSync(file(pool, 'other'));
        copyFileSync(modelPath(pool, 'a'), file(pool, 'other/b.safetensors'));
        writeConfig(pool.folder, { models: '[models/*.safetensors, other/*.safetensors]' });
      },
      /two models called "b"/,
    ],
  ])('%s', async (_, spoil, message) => {
    expect(await refusal(SEARCH, spoil)).toMatch(message);
  });
});

describe.concurrent('search refuses data', () => {
  const labels = (pool: LinearPool) => pool.validation.labels;
  const spoilLabel = (value: number) => (pool: LinearPool) =>
    writeLabels(file(pool, 'val_labels.npy'), labels(pool).with(17, value));
  it.each<Case>([
    ['with a label that is no class', spoilLabel(CLASSES), /labels below 4.* found 4 in val_labels\.npy, row 17$/m],
    [
      'with a label that is no class of a graph that does not say how many it has',
      (pool) => {
        graph(pool, { statesClasses: false });
        return spoilLabel(9)(pool);
      },
      /labels below 4.* found 9 in val_labels\.npy, row 17$/m,
    ],
    ['with a label below 0', spoilLabel(-1), /≥ 0 but found -1 in val_labels\.npy, row 17$/m],
    [
      'with labels of another length',
      (pool) => writeLabels(file(pool, 'val_labels.npy'), labels(pool).slice(1)),
      /149 labels in val_labels\.npy for 150 samples in val_inputs\.npy$/m,
    ],
    [
      'with labels that are fractions',
      (pool) => writeFloats(file(pool, 'val_labels.npy'), [150], labels(pool)),
      /integer class labels but found dtype F32 in val_labels\.npy$/m,
    ],
    [
      'with rows of labels that are not one-hot',
      (pool) => writeNpy(file(pool, 'val_labels.npy'), 'U8', [150, CLASSES], new Uint8Array(150 * CLASSES)),
      /one-hot labels, one 1 and zeros, but found zeros only in val_labels\.npy, row 0$/m,
    ],
    [
      'with inputs of a dtype that the graph cannot hold',
      (pool) => writeNpy(file(pool, 'val_inputs.npy'), 'F64', [150, FEATURES], new Uint8Array(8 * 150 * FEATURES)),
      /dtype F32.*input "x" but found F64 in val_inputs\.npy$/m,
    ],
    [
      'with inputs of another shape',
      (pool) => writeFloats(file(pool, 'val_inputs.npy'), [150, 5], Array(150 * 5).fill(1)),
      /input "x" but found \[150, 5\] in val_inputs\.npy$/m,
    ],
    [
      'without samples',
      async (pool) => {
        await writeFloats(file(pool, 'val_inputs.npy'), [0, FEATURES], []);
        await writeLabels(file(pool, 'val_labels.npy'), []);
      },
      /at least one sample but found \[0, 6\] in val_inputs\.npy$/m,
    ],
    [
      'that is no array',
      (pool) => writeFileSync(file(pool, 'val_inputs.npy'), 'x,y\n1,2\n'),
      /\.npy.* in val_inputs\.npy$/m,
    ],
    [
      'that is cut',
      (pool) => truncateSync(file(pool, 'val_inputs.npy'), 1000),
      /bytes of data .* in val_inputs\.npy$/m,
    ],
    [
      'that is not there',
      (pool) => writeConfig(pool.folder, { validation: '{ inputs: gone.npy, labels: val_labels.npy }' }),
      /read gone\.npy .*no such file/,
    ],
  ])('%s', async (_, spoil, message) => {
    expect(await refusal(SEARCH, spoil)).toMatch(message);
  });
});

describe.concurrent('search refuses a graph', () => {
  it.each<Case>([
    [
      'with two outputs, and asks which has the logits',
      (pool) => graph(pool, { outputs: ['logits', 'negated'] }),
      /one output but found "logits", "negated" in model\.onnx: .*--output/,
    ],
    [
      'without the output that is asked for',
      (pool) => writeConfig(pool.folder, { output: 'scores' }),
      /output "scores" but found "logits" in model\.onnx$/m,
    ],
    [
      'with two inputs',
      (pool) => graph(pool, { inputs: ['x', 'mask'] }),
      /graph's inputs "x", "mask" .* without a name, val_inputs\.npy$/m,
    ],
    [
      'of other shapes than the models',
      (pool) => graph(pool, { classes: 3 }),
      /"weight" of model a to be F32 \[6, 3\] as in the graph model\.onnx but found F32 \[6, 4\]$/m,
    ],
    ['that is cut', (pool) => truncateSync(file(pool, 'model.onnx'), 100), /ONNX.* in model\.onnx$/m],
    ['that is none', (pool) => writeFileSync(file(pool, 'model.onnx'), 'not a graph'), /ONNX.* in model\.onnx$/m],
    ['that is not there', (pool) => writeConfig(pool.folder, { graph: 'gone.onnx' }), /read gone\.onnx .*no such file/],
    [
      'with an operator that does not exist',
      (pool) => {
        const bytes = readFileSync(file(pool, 'model.onnx')).toString('latin1').replace('MatMul', 'MaxMul');
        writeFileSync(file(pool, 'model.onnx'), bytes, 'latin1');
      },
      /operators that ONNX Runtime can run .* but found MaxMul in model\.onnx, node/,
    ],
  ])('%s', async (_, spoil, message) => {
    expect(await refusal(SEARCH, spoil)).toMatch(message);
  });
});
