import { join } from 'node:path';
import { readJsonObject } from '@radin/core';
import { loadConfig } from '../../../cli/dist/pool/config.js';
import { mutant } from '../changes/bytes.js';
import { once } from '../changes/choice.js';
import { jsonMutant } from '../changes/json.js';
import type { Reader } from '../reader.js';

const CONFIG = {
  graph: 'model.onnx',
  models: ['a.safetensors', 'models/*.pt'],
  base: 'base',
  init: 'init.pt',
  evaluator: {
    command: ['python', 'eval.py', '{weights}'],
    slots: 2,
    timeout: 60,
    retries: 1,
    weights: 'safetensors',
    version: 1,
  },
  rename: { 'module.': '', 'a.b': 'c' },
  validation: {
    inputs: { x: 'x.npy', y: ['y1.npy', 'y2.npy'] },
    labels: 'labels.npz:a',
    logits: 'l/*.npy',
    groups: 'g.npy',
  },
  test: { inputs: 'x.npy', labels: 'y.npy' },
  logits: 'logits/*.npy',
  bn_inputs: 'bn.npy',
  output: 'logits',
  state_dict: 'model',
  task: 'tokens',
  ignore_index: -100,
  metric: 'accuracy',
};
const YAML =
  'graph: &g model.onnx\nmodels: [a, "b/*"]\nbase: *g\nvalidation:\n  inputs: {x: a}\n  labels: >\n    b\nmetric: top-2 # c\n';

/** What users and other programs wrote: radin.yaml and config.json. */
export const DOCUMENT_READERS: readonly Reader[] = [
  {
    name: 'config',
    mutate: (random) => ({
      'radin.yaml': once(random, 3)
        ? mutant(Buffer.from(once(random, 2) ? YAML : JSON.stringify(CONFIG, null, 1)), random)
        : Buffer.from(jsonMutant(random, CONFIG)),
    }),
    read: async (folder) => void (await loadConfig(join(folder, 'radin.yaml'))) as undefined,
  },
  {
    name: 'json',
    mutate: (random) => {
      const text = jsonMutant(random, { model_type: 'vit', sizes: [1, 2], nested: { a: null } });
      return { 'config.json': once(random, 4) ? mutant(Buffer.from(text), random) : Buffer.from(text) };
    },
    read: async (folder) => void (await readJsonObject(join(folder, 'config.json'))) as undefined,
  },
];
