import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { onnx } from '#onnx';
import { RadinError } from '../../src/errors/index.js';
import { liftInitializers } from '../../src/formats/onnx-lift.js';
import { type OnnxModel, readOnnx } from '../../src/formats/onnx-reader.js';
import { refusal, scratch } from './scratch.js';

const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const fixture = (name: string): Promise<OnnxModel> => readOnnx(`${FIXTURES}${name}.onnx`);

/** A model of these protobuf fields, written and read as a file. */
function build(graph: onnx.GraphProto.$Properties, fields: onnx.ModelProto.$Properties = {}): Promise<OnnxModel> {
  const path = scratch('graph.onnx');
  writeFileSync(path, onnx.ModelProto.encode({ graph, ...fields }).finish());
  return readOnnx(path);
}

const int64 = (value: number) => onnx.TensorShapeProto.Dimension.fromObject({ dim_value: value }).dim_value as never;
const float = (name: string, dims: number[], bytes: number): onnx.TensorProto.$Properties => ({
  name,
  data_type: 1,
  dims: dims.map(int64),
  raw_data: new Uint8Array(bytes),
});

async function run(bytes: Uint8Array, feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    const outputs = await session.run(feeds);
    return outputs[session.outputNames[0] as string]?.data as Float32Array;
  } finally {
    await session.release();
  }
}

/** The model's own initializers as feeds for its lifted graph. */
function weights(model: OnnxModel, names: ReadonlySet<string>): Record<string, Tensor> {
  const lifted = model.initializers.filter(({ name }) => names.has(name));
  const tensors = lifted.map(({ name, dtype, shape, data }) => {
    const buffer = (data as Uint8Array).slice().buffer;
    const values =
      dtype === 'BOOL'
        ? new Tensor('bool', new Uint8Array(buffer), shape)
        : new Tensor('float32', new Float32Array(buffer), shape);
    return [name, values];
  });
  return Object.fromEntries(tensors);
}

describe('reads', () => {
  test('a graph that PyTorch exported, without copying its weights', async () => {
    const model = await fixture('torch');
    expect(model).toMatchObject({
      irVersion: 7,
      opset: 13,
      inputs: [{ name: 'x', dtype: 'F32', shape: ['batch', 1, 6, 6] }],
      outputs: [{ name: 'logits', dtype: 'F32', shape: ['Gemmlogits_dim_0', 3] }],
      unsupportedInitializers: [],
    });
    expect(model.initializers.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['body.0.weight', 'F32', [2, 1, 3, 3]],
      ['body.0.bias', 'F32', [2]],
      ['head.weight', 'F32', [3, 32]],
      ['head.bias', 'F32', [3]],
    ]);
    for (const { data } of model.initializers) expect(data?.buffer).toBe(model.bytes.buffer);
  });

  test('the same inputs where initializers are listed as inputs too', async () => {
    const model = await fixture('torch-initializers-as-inputs');
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(model.initializers).toHaveLength(4);
  });

  test('elements stored as protobuf numbers, of every type', async () => {
    const model = await fixture('typed');
    const bytes = Object.fromEntries(
      model.initializers.map(({ name, dtype, data }) => [name, [dtype, [...(data ?? [])]]]),
    );
    const half = (one: number, two: number): number[] => [0, 0, 0, one, 0, two];
    const word = [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
    const long = [...[0, 0, 0, 0, 0, 0, 0, 0], ...[1, 0, 0, 0, 0, 0, 0, 0], ...[2, 0, 0, 0, 0, 0, 0, 0]];
    expect(bytes).toEqual({
      FLOAT: ['F32', [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64]],
      UINT8: ['U8', [0, 1, 2]],
      INT8: ['I8', [0, 1, 2]],
      UINT16: ['U16', [0, 0, 1, 0, 2, 0]],
      INT16: ['I16', [0, 0, 1, 0, 2, 0]],
      INT32: ['I32', word],
      INT64: ['I64', long],
      BOOL: ['BOOL', [0, 1, expect.any(Number)]],
      FLOAT16: ['F16', half(0x3c, 0x40)],
      DOUBLE: ['F64', [...new Uint8Array(Float64Array.of(0, 1, 2).buffer)]],
      UINT32: ['U32', word],
      UINT64: ['U64', long],
      BFLOAT16: ['BF16', [0, 0, 128, 63, 0, 64]],
      extremes: ['I64', [...new Uint8Array(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n).buffer)]],
    });
    expect(model.unsupportedInitializers).toEqual(['STRING', 'COMPLEX64']);
  });

  test('shapes that are unknown, in part or at all', async () => {
    const value = (name: string, dim?: onnx.TensorShapeProto.Dimension.$Properties[]) => ({
      name,
      type: { tensor_type: { elem_type: 1, ...(dim && { shape: { dim } }) } },
    });
    const model = await build({
      input: [
        value('a'),
        value('b', []),
        value('c', [{}, { dim_value: int64(0) }, { dim_value: int64(-1) }]),
        { name: 'd' },
      ],
    });
    expect(model.inputs).toEqual([
      { name: 'a', dtype: 'F32', shape: undefined },
      { name: 'b', dtype: 'F32', shape: [] },
      { name: 'c', dtype: 'F32', shape: [undefined, 0, undefined] },
      { name: 'd', dtype: undefined, shape: undefined },
    ]);
    expect(model.opset).toBeUndefined();
  });

  test('initializers in other files by name only', async () => {
    const model = await build({ initializer: [{ ...float('w', [2], 0), data_location: 1 }] });
    expect(model.initializers).toEqual([{ name: 'w', dtype: 'F32', shape: [2], data: undefined, external: true }]);
  });
});

describe('refuses', () => {
  test.each<[string, onnx.GraphProto.$Properties, RegExp]>([
    ['an initializer without name', { initializer: [float('', [1], 4)] }, /a name for every initializer/],
    ['two initializers of one name', { initializer: [float('w', [1], 4), float('w', [1], 4)] }, /two called "w"/],
    ['a negative size', { initializer: [float('w', [-1], 4)] }, /shape of integers.*"w"/],
    ['too few bytes', { initializer: [float('w', [2], 7)] }, /8 bytes for F32 \[2\] but found 7 .*"w"/],
    ['a size that overflows', { initializer: [float('w', [2 ** 31, 2 ** 31, 4], 0)] }, /2\^53/],
    ['missing data', { initializer: [{ name: 'w', data_type: 1, dims: [int64(2)] }] }, /8 bytes .* found 0/],
    [
      'a part of an initializer',
      { initializer: [{ ...float('w', [1], 4), segment: { begin: int64(0), end: int64(1) } }] },
      /a whole initializer .*"w"/,
    ],
    ...(
      [
        [2, 256],
        [3, -129],
        [4, -1],
        [5, 32768],
        [10, 65536],
        [16, -1],
      ] as const
    ).map(([data_type, value]): [string, onnx.GraphProto.$Properties, RegExp] => [
      `${value} as a number of type ${data_type}`,
      { initializer: [{ name: 'w', data_type, dims: [int64(2)], int32_data: [1, value] }] },
      new RegExp(`numbers of type .* but found ${value} as element 1 .*"w"`),
    ]),
    ['a million tensors of nothing', { initializer: Array(2 ** 19 + 1).fill({}) }, /more than 524288 messages/],
    ['sparse initializers', { sparse_initializer: [{}] }, /dense/],
    ['names that are no UTF-8', { initializer: [float('\ufffd', [1], 4)] }, /UTF-8/],
  ])('%s', async (_, graph, expected) => {
    expect(await refusal(build(graph), 'FORMAT')).toMatch(expected);
  });

  test.each([
    ['an empty file', ''],
    ['text', 'This is not an ONNX model, but a text.'],
    ['a zip', 'PK\x03\x04\x14\x00\x08\x08'],
  ])('%s', async (_, content) => {
    const path = scratch('graph.onnx');
    writeFileSync(path, content, 'latin1');
    expect(await refusal(readOnnx(path), 'FORMAT')).toContain(path);
  });

  test('a file of 2 GiB', async () => {
    const path = scratch('graph.onnx');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
    expect(await refusal(readOnnx(path), 'FORMAT')).toContain('less than 2 GiB');
  });

  test('a graph cut anywhere', async () => {
    const whole = readFileSync(`${FIXTURES}torch.onnx`);
    const path = scratch('graph.onnx');
    for (let length = 0; length < whole.byteLength; length += 7) {
      writeFileSync(path, whole.subarray(0, length));
      // What follows the graph may be missing: the graph itself is whole then.
      await readOnnx(path).catch((error: unknown) => expect(error).toBeInstanceOf(RadinError));
    }
  });
});

test('any bytes give a model or a RadinError', async () => {
  const path = scratch('any.onnx');
  const whole = readFileSync(`${FIXTURES}subgraph.onnx`);
  const changed = fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1 }).map((changes) => {
    const bytes = Uint8Array.from(whole);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const attempt = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(path, bytes);
    try {
      const model = await readOnnx(path);
      liftInitializers(model, new Set(model.initializers.map(({ name }) => name)));
    } catch (error) {
      expect(error).toBeInstanceOf(RadinError);
      expect((error as Error).message).not.toMatch(/\p{Cc}/u);
    }
  };
  await fc.assert(fc.asyncProperty(fc.oneof(changed, fc.uint8Array()), attempt), { numRuns: 1000 });
});

describe('a lifted graph', () => {
  test.each<[string, string[], number[]]>([
    ['torch', ['body.0.weight', 'body.0.bias', 'head.weight', 'head.bias'], [2, 1, 6, 6]],
    ['torch', ['head.weight'], [2, 1, 6, 6]],
    ['torch', [], [2, 1, 6, 6]],
    ['torch-initializers-as-inputs', ['body.0.weight', 'head.bias'], [2, 1, 6, 6]],
    ['subgraph', ['w', 'condition'], [3, 2]],
    ['ir-version-3', ['w'], [3, 2]],
  ])('gives what the graph gave: %s, lifting %j', async (name, lifting, shape) => {
    const model = await fixture(name);
    const names = new Set(lifting);
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: size }, (_, at) => Math.sin(at)),
      shape,
    );
    const expected = await run(model.bytes, { x });
    const found = await run(liftInitializers(model, names), { x, ...weights(model, names) });
    expect(expected.length).toBeGreaterThan(0);
    for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5);
  });

  test('uses the weights that are fed', async () => {
    const model = await fixture('ir-version-3');
    const x = new Tensor('float32', Float32Array.of(1, 1), [1, 2]);
    const w = new Tensor('float32', Float32Array.of(7, 9), [2]);
    expect([...(await run(liftInitializers(model, new Set(['w'])), { x, w }))]).toEqual([7, 9]);
  });

  test('declares each lifted initializer once, with its own shape', async () => {
    const model = await fixture('ir-version-3');
    const path = scratch('lifted.onnx');
    writeFileSync(path, liftInitializers(model, new Set(['w'])));
    const lifted = await readOnnx(path);
    expect(lifted.inputs.filter(({ name }) => name === 'w')).toEqual([{ name: 'w', dtype: 'F32', shape: [2] }]);
    expect(lifted.initializers).toEqual([]);
  });

  test('keeps all other bytes, also fields that are unknown here', async () => {
    const unknown = Uint8Array.of(0xf8, 0x3f, 5);
    const initializer = [float('v', [1], 4), float('w', [1], 4)];
    const graph = { ...onnx.GraphProto.create({ initializer }), $unknowns: [unknown] };
    const model = await build(graph, { $unknowns: [unknown] });
    const expected = { ...onnx.GraphProto.create({ initializer: [initializer[0] as object] }), $unknowns: [unknown] };
    const lifted = Buffer.from(liftInitializers(model, new Set(['w'])));
    expect(lifted.includes(Buffer.from(onnx.GraphProto.encode(expected).finish()))).toBe(true);
    expect(lifted.subarray(-3)).toEqual(Buffer.from(unknown));
    expect(liftInitializers(model, new Set())).toEqual(Buffer.from(model.bytes));
  });

  const elsewhere: onnx.TensorProto.$Properties = { ...float('e', [2], 0), data_location: 1 };
  const inNode = (attribute: onnx.AttributeProto.$Properties): onnx.GraphProto.$Properties => ({
    node: [{ attribute: [attribute] }],
  });
  test.each<[string, onnx.GraphProto.$Properties, onnx.ModelProto.$Properties]>([
    ['an initializer', { initializer: [elsewhere] }, {}],
    [
      'a location without flag',
      { initializer: [{ ...float('e', [0], 0), external_data: [{ key: 'location', value: '../x' }] }] },
      {},
    ],
    ['a constant', inNode({ t: elsewhere }), {}],
    ['a list of constants', inNode({ tensors: [elsewhere] }), {}],
    ['a sparse constant', inNode({ sparse_tensor: { indices: elsewhere } }), {}],
    ['a list of sparse constants', inNode({ sparse_tensors: [{ values: elsewhere }] }), {}],
    ['a subgraph', inNode({ g: { initializer: [elsewhere] } }), {}],
    ['a list of subgraphs', inNode({ graphs: [inNode({ t: elsewhere })] }), {}],
    ['a sparse initializer of a subgraph', inNode({ g: { sparse_initializer: [{ values: elsewhere }] } }), {}],
    ['a function', {}, { functions: [{ node: [{ attribute: [{ t: elsewhere }] }] }] }],
    ['a training step', {}, { training_info: [{ algorithm: { initializer: [elsewhere] } }] }],
    ['the start of training', {}, { training_info: [{ initialization: { initializer: [elsewhere] } }] }],
  ])('has no data in other files: %s', async (_, graph, fields) => {
    const model = await build(graph, fields);
    const message = await refusal((async () => liftInitializers(model, new Set()))(), 'GRAPH');
    expect(message).toMatch(/"e" in another file/);
  });

  test('may replace data in another file', async () => {
    const model = await build({ initializer: [elsewhere] });
    expect(liftInitializers(model, new Set(['e'])).byteLength).toBeGreaterThan(0);
  });

  test('lifts only what is an initializer of a supported type', async () => {
    const model = await fixture('typed');
    expect(() => liftInitializers(model, new Set(['none']))).toThrow('Expected an initializer "none" but found none');
    expect(() => liftInitializers(model, new Set(['STRING']))).toThrow('unsupported type');
  });

  test('has one graph', async () => {
    const model = await fixture('torch');
    const twice = { ...model, bytes: Buffer.concat([model.bytes, model.bytes]) };
    expect(() => liftInitializers(twice, new Set())).toThrow('Expected one graph but found 2');
  });
});
