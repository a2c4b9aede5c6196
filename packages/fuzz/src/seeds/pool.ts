import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Field, varint, writeMessage } from '../changes/protobuf.js';
import { runRadin } from '../run-radin.js';

const text = (number: number, value: string): Field => ({ number, wire: 2, value: Buffer.from(value) });
const integer = (number: number, value: number): Field => ({ number, wire: 0, value: BigInt(value) });
const message = (number: number, ...value: Field[]): Field => ({ number, wire: 2, value });

const FEATURES = 3;
const CLASSES = 4;
const SAMPLES = 40;
const FLOAT = 1;

const node = (operator: string, inputs: readonly string[], output: string) =>
  message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, operator));
const tensor = (name: string, shape: readonly number[]) => {
  const data = Buffer.alloc(4 * shape.reduce((product, size) => product * size, 1));
  return message(
    5,
    { number: 1, wire: 2, value: Buffer.concat(shape.map((size) => varint(BigInt(size)))) },
    integer(2, FLOAT),
    text(8, name),
    { number: 9, wire: 2, value: data },
  );
};
const value = (number: number, name: string, size: number) =>
  message(
    number,
    text(1, name),
    message(2, message(1, integer(1, FLOAT), message(2, message(1, text(2, 'n')), message(1, integer(1, size))))),
  );

const HIDDEN_LAYER = [node('MatMul', ['x', 'W'], 'p'), node('Add', ['p', 'b'], 's'), node('Relu', ['s'], 'r')];

/** logits = relu(x W + b) V in ONNX, field by field. */
export const tinyGraph = (): Field[] => graphOf([...HIDDEN_LAYER, node('MatMul', ['r', 'V'], 'logits')]);

/** The same with a normalisation, whose statistics are one more b, before V. */
export const normalisedGraph = (): Field[] =>
  graphOf([
    ...HIDDEN_LAYER,
    node('BatchNormalization', ['r', 'b', 'b', 'b', 'b'], 'n'),
    node('MatMul', ['n', 'V'], 'logits'),
  ]);

function graphOf(nodes: readonly Field[]): Field[] {
  const weights = [tensor('W', [FEATURES, 5]), tensor('b', [5]), tensor('V', [5, CLASSES])];
  const graph = message(7, ...nodes, text(2, 'g'), ...weights, value(11, 'x', FEATURES), value(12, 'logits', CLASSES));
  return [integer(1, 8), graph, message(8, integer(2, 13))];
}

function npy(descr: string, shape: string, data: ArrayBufferView): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${header}\n`), bytes]);
}

function model(seed: number): Buffer {
  const values = Float32Array.from(
    { length: 5 * FEATURES + 5 + 5 * CLASSES },
    (_, at) => Math.sin(at * 7.1) + 0.1 * Math.sin(seed + at),
  );
  const [w, b] = [20 * FEATURES, 20 * FEATURES + 20];
  const header = JSON.stringify({
    W: { dtype: 'F32', shape: [FEATURES, 5], data_offsets: [0, w] },
    b: { dtype: 'F32', shape: [5], data_offsets: [w, b] },
    V: { dtype: 'F32', shape: [5, CLASSES], data_offsets: [b, values.byteLength] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.from(values.buffer)]);
}

/** A pool of four models with two splits, by the names of its files. */
export function tinyPool(): Record<string, Uint8Array> {
  const inputs = Float32Array.from({ length: SAMPLES * FEATURES }, (_, at) => Math.sin(at * 3.3));
  const labels = Int32Array.from({ length: SAMPLES }, (_, at) => (at * 7) % CLASSES);
  return {
    'radin.yaml': Buffer.from(
      'graph: model.onnx\nmodels: "m*.safetensors"\nvalidation: { inputs: x.npy, labels: y.npy }\ntest: { inputs: x.npy, labels: y.npy }\n',
    ),
    'model.onnx': writeMessage(tinyGraph()),
    'x.npy': npy('<f4', `(${SAMPLES}, ${FEATURES})`, inputs),
    'y.npy': npy('<i4', `(${SAMPLES},)`, labels),
    ...Object.fromEntries([1, 2, 3, 4].map((seed) => [`m${seed}.safetensors`, model(seed)])),
  };
}

let documents: readonly unknown[] | undefined;

/** Runs a search and a comparison on the tiny pool, once. @returns what they wrote as JSON */
export async function makeRunDocuments(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'radin-fuzz-pool-'));
  try {
    for (const [name, bytes] of Object.entries(tinyPool())) writeFileSync(join(folder, name), bytes);
    mkdirSync(join(folder, 'cache'));
    const common = ['--no-report', '--cache', join(folder, 'cache'), '--quiet'];
    for (const [command, ...more] of [
      ['search', '--budget', '3', '--explain'],
      ['compare', '--budgets', '1,3'],
    ] as const) {
      const { code, output } = await runRadin([command, folder, ...more, '--out', join(folder, command), ...common]);
      if (code !== 0) throw new Error(`radin ${command} on the pool of the fuzzer exited with ${code}: ${output}`);
    }
    documents = ['search/result.json', 'compare/comparison.json'].map((name) =>
      JSON.parse(readFileSync(join(folder, name), 'utf8')),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function runDocuments(): readonly unknown[] {
  if (documents === undefined) throw new Error('makeRunDocuments has not been called');
  return documents;
}
