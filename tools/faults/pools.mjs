/** Pools that nobody has seen: small linear networks of sizes, types and noise that a seed chooses. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Random, writeNpy, writeSafetensors } from '@radin/core';
import { onnx } from '../../packages/core/generated/onnx.js';

const FLOAT = 1;

/** The pool of the runs of minutes. */
export const ORDINARY = { models: 4, samples: 60, features: 6, classes: 4, dtype: 'F32', metric: 'accuracy', seed: 1 };

/** Another pool for every seed. */
export function randomShape(random) {
  const between = (least, most) => least + (random.uint32() % (most - least + 1));
  return {
    models: between(3, 7),
    samples: between(20, 400),
    features: between(2, 60),
    classes: between(2, 12),
    dtype: ['F32', 'F16', 'BF16'][between(0, 2)],
    metric: ['accuracy', 'cross-entropy'][between(0, 1)],
    seed: between(0, 2 ** 30),
  };
}

/**
 * Writes a pool: `radin.yaml`, `external/radin.yaml` with a program that evaluates, models as safetensors (`models/`), as ONNX
 * (`onnx/`), and as folders of Hugging Face (`folders/`).
 */
export async function writePool(folder, shape) {
  const { models, samples, features, classes, dtype, metric, seed } = shape;
  const random = new Random(seed);
  const uniform = (length) => Float32Array.from({ length }, () => random.uint32() / 2 ** 31 - 1);
  const teacher = [uniform(features * classes), uniform(classes)];
  const put = (name, content) => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content !== undefined) writeFileSync(path, content);
    return path;
  };
  for (const split of ['val', 'test']) {
    const inputs = uniform(samples * features);
    const labels = Array.from({ length: samples }, (_, m) => best(logits(teacher, inputs, m, features, classes)));
    await writeNpy(put(`${split}_inputs.npy`), 'F32', [samples, features], bytesOf(inputs));
    await writeNpy(put(`${split}_labels.npy`), 'I64', [samples], bytesOf(BigInt64Array.from(labels, BigInt)));
    for (let model = 0; split === 'val' && model < models; model++) {
      const noise = uniform(features * classes);
      const weights = [teacher[0].map((value, at) => value + 1.5 * noise[at]), teacher[1]];
      const id = `m${model}`;
      await writeModel(put(`models/${id}.safetensors`), weights, features, classes, dtype);
      put(`onnx/${id}.onnx`, graph(features, classes, weights));
      await writeModel(put(`folders/${id}/model.safetensors`), weights, features, classes, dtype);
      put(`folders/${id}/config.json`, '{"architectures": ["Linear"]}\n');
      put(`folders/${id}/README.md`, '---\nlicense: apache-2.0\n---\nA model.\n');
      const all = Float32Array.from({ length: samples * classes }, (_, at) => {
        return logits(weights, inputs, Math.floor(at / classes), features, classes)[at % classes];
      });
      await writeNpy(put(`logits/${id}.npy`), 'F32', [samples, classes], bytesOf(all));
    }
  }
  put('model.onnx', graph(features, classes, [new Float32Array(features * classes), new Float32Array(classes)]));
  const splits = (to) =>
    `metric: ${metric}\nvalidation: { inputs: ${to}val_inputs.npy, labels: ${to}val_labels.npy }\ntest: { inputs: ${to}test_inputs.npy, labels: ${to}test_labels.npy }\n`;
  put('radin.yaml', `graph: model.onnx\nmodels: models/*.safetensors\n${splits('')}`);
  put('pool-onnx/radin.yaml', `models: ../onnx/*.onnx\n${splits('../')}`);
  put('pool-folders/radin.yaml', `graph: ../model.onnx\nmodels: ../folders/*\n${splits('../')}`);
  // A score that depends on every byte of the weights, and is noted.
  const sign = metric === 'accuracy' ? '' : '-';
  const script = [
    'sum=$(cksum < "$RADIN_WEIGHTS") || exit 1',
    'set -- $sum',
    `echo "${sign}0.$1" >> evaluations.log || exit 1`,
    `echo "{\\"score\\": ${sign}0.$1}"`,
    '',
  ].join('\n');
  put('pool-external/score.sh', script);
  put(
    'pool-external/radin.yaml',
    `models: ../models/*.safetensors\nevaluator: { command: sh score.sh }\nvalidation: { logits: ../logits/*.npy, labels: ../val_labels.npy }\n`,
  );
}

function logits([weight, bias], inputs, m, features, classes) {
  return Array.from({ length: classes }, (_, c) => {
    let sum = bias[c];
    for (let d = 0; d < features; d++) sum += inputs[m * features + d] * weight[d * classes + c];
    return sum;
  });
}

function best(values) {
  return values.indexOf(Math.max(...values));
}

function bytesOf(values) {
  return new Uint8Array(values.buffer);
}

async function writeModel(path, weights, features, classes, dtype) {
  const content = new Map([
    ['weight', encode(weights[0], dtype)],
    ['bias', encode(weights[1], dtype)],
  ]);
  const info = (name, dims) => ({ name, dtype, shape: dims, byteLength: content.get(name).byteLength });
  const tensors = [info('weight', [features, classes]), info('bias', [classes])];
  await writeSafetensors(path, tensors, new Map(), ({ name }, write) => write(content.get(name)));
}

/** Values cut to the type's bits: that they are rounded does not matter here. */
function encode(values, dtype) {
  if (dtype === 'F32') return bytesOf(values.slice());
  const bits = new Uint32Array(values.slice().buffer);
  if (dtype === 'BF16') return bytesOf(Uint16Array.from(bits, (word) => word >>> 16));
  return bytesOf(
    Uint16Array.from(bits, (word) => {
      const exponent = ((word >>> 23) & 255) - 112;
      const sign = (word >>> 16) & 0x8000;
      return exponent <= 0 ? sign : sign | (exponent << 10) | ((word >>> 13) & 1023);
    }),
  );
}

/** An ONNX graph of logits = x W + b. */
function graph(features, classes, [weight, bias]) {
  const size = (number) => onnx.TensorShapeProto.Dimension.fromObject({ dim_value: number });
  const int64 = (number) => size(number).dim_value;
  const initializer = (name, dims, values) => ({
    name,
    data_type: FLOAT,
    dims: dims.map(int64),
    raw_data: bytesOf(values.slice()),
  });
  const value = (name, columns) => ({
    name,
    type: { tensor_type: { elem_type: FLOAT, shape: { dim: [{ dim_param: 'batch' }, size(columns)] } } },
  });
  const model = {
    ir_version: int64(8),
    opset_import: [{ domain: '', version: int64(13) }],
    graph: {
      name: 'linear',
      node: [
        { op_type: 'MatMul', input: ['x', 'weight'], output: ['product'], name: 'product' },
        { op_type: 'Add', input: ['product', 'bias'], output: ['logits'], name: 'logits' },
      ],
      initializer: [initializer('weight', [features, classes], weight), initializer('bias', [classes], bias)],
      input: [value('x', features)],
      output: [value('logits', classes)],
    },
  };
  return onnx.ModelProto.encode(model).finish();
}
