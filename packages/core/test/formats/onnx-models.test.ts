import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnx } from '#onnx';
import { copyOnnx, matchGraphs, type OnnxFile, openOnnx } from '../../src/formats/index.js';
import { refusal, scratch } from './scratch.js';

const MODELS = new URL('./fixtures/onnx-models/', import.meta.url).pathname;

async function using<T>(path: string, use: (file: OnnxFile) => T | Promise<T>): Promise<T> {
  const file = await openOnnx(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** A copy with each weight's bytes as `change` makes them. */
const copy = (model: string, path: string, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) =>
  using(model, (file) =>
    copyOnnx(file, new Map([['radin', 'x']])).write(path, async ({ name, byteLength }, write) => {
      const bytes = new Uint8Array(byteLength);
      await file.read(name, bytes);
      await write(change(bytes));
    }),
  );

/** A fixture with some of it changed, in a file. */
function changed(change: (model: onnx.ModelProto, graph: onnx.GraphProto) => void): string {
  const model = onnx.ModelProto.decode(readFileSync(`${MODELS}inline/b.onnx`));
  change(model, model.graph as onnx.GraphProto);
  const path = scratch('changed.onnx');
  writeFileSync(path, onnx.ModelProto.encode(model).finish());
  return path;
}

const match = async (path: string) =>
  using(`${MODELS}inline/a.onnx`, (a) => using(path, (b) => matchGraphs(a.graph, b.graph)));

const int64 = (value: number) => onnx.TensorShapeProto.Dimension.fromObject({ dim_value: value }).dim_value as never;

describe('a copy with other weights', () => {
  test('is the model itself where these are its own, byte by byte, with provenance at the end', async () => {
    const path = scratch('copy.onnx');
    const model = scratch('model.onnx');
    // Field 999, a text, which no version of ONNX has, in the model and in its first initializer.
    const unknown = Buffer.concat([Buffer.of(0xba, 0x3e, 3), Buffer.from('new')]);
    const [whole] = [readFileSync(`${MODELS}inline/a.onnx`)];
    writeFileSync(model, Buffer.concat([unknown, whole, unknown]));
    await copy(model, path);
    const bytes = readFileSync(path);
    const entry = onnx.StringStringEntryProto.encode({ key: 'radin', value: 'x' }).finish();
    expect(bytes.equals(Buffer.concat([readFileSync(model), Buffer.of(0x72, entry.length), entry]))).toBe(true);
    const again = scratch('again.onnx');
    await copy(path, again);
    expect(readFileSync(again).equals(bytes)).toBe(true);
  });

  test('has external data where the model has, in one file beside it, which is replaced with it', async () => {
    const path = scratch('copy.onnx');
    writeFileSync(`${path}.data`, 'of an earlier copy');
    const { externalData, bytes } = await copy(`${MODELS}external/a.onnx`, path);
    expect(externalData).toBe('copy.onnx.data');
    expect(bytes).toBe(readFileSync(path).length + readFileSync(`${path}.data`).length);
    await copy(path, join(dirname(path), 'second.onnx'));
    expect(readFileSync(join(dirname(path), 'second.onnx.data'))).toEqual(readFileSync(`${path}.data`));
    expect(readdirSync(dirname(path)).sort()).toEqual(
      ['copy.onnx', 'copy.onnx.data', 'second.onnx', 'second.onnx.data'].sort(),
    );
  });

  test('leaves nothing behind where it fails', async () => {
    const path = scratch('copy.onnx');
    writeFileSync(path, 'earlier');
    let left = 3;
    const fail = (bytes: Uint8Array) => (left-- > 0 ? bytes : bytes.subarray(1));
    await expect(copy(`${MODELS}external/a.onnx`, path, fail)).rejects.toThrow(/bytes but received/);
    expect(readdirSync(dirname(path))).toEqual(['copy.onnx']);
    expect(readFileSync(path, 'utf8')).toBe('earlier');
  });

  test('is a model to ONNX itself, with the weights', async ({ skip }) => {
    const path = scratch('copy.onnx');
    for (const form of ['inline', 'external', 'typed']) await copy(`${MODELS}${form}/a.onnx`, `${path}.${form}.onnx`);
    const program = `
import sys
try:
    import onnx.checker, onnx.numpy_helper
except ImportError:
    sys.exit(print("no onnx"))
def weights(path):
    return [onnx.numpy_helper.to_array(one).tolist() for one in onnx.load(path).graph.initializer]
for form in ["inline", "external", "typed"]:
    onnx.checker.check_model(f"{sys.argv[1]}.{form}.onnx", full_check=True)
print(all(weights(f"{sys.argv[1]}.{form}.onnx") == weights(f"{sys.argv[2]}{form}/a.onnx") for form in ["inline", "external", "typed"]))`;
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', program, path, MODELS], { encoding: 'utf8' });
    if (stdout === null || stdout === 'no onnx\n') skip('Python has no onnx here');
    expect({ stdout, stderr }).toEqual({ stdout: 'True\n', stderr: '' });
  });
});

describe('two graphs are one', () => {
  test('whoever made them, whatever they say of themselves', async () => {
    const path = changed((model, graph) => {
      Object.assign(model, { producer_name: 'other', doc_string: 'text', metadata_props: [{ key: 'a', value: 'b' }] });
      graph.initializer.reverse();
      graph.name = 'another';
      for (const node of graph.node) Object.assign(node, { name: `n${node.op_type}`, doc_string: 'line 1' });
      graph.value_info = [{ name: 'h1' }];
    });
    const found = await match(path);
    expect('names' in found && [...found.names].every(([name, own]) => name === own)).toBe(true);
  });

  test('with other names of all that is inside', async () => {
    const found = await match(`${MODELS}renamed/c.onnx`);
    expect('names' in found && Object.fromEntries(found.names)).toEqual({
      T: 'onnx::T_201',
      H: 'onnx::H_201',
      b: 'onnx::b_201',
      scale: 'onnx::scale_205',
      two: 'onnx::two_203',
      shape: 'shape',
    });
  });

  test.each<[string, Parameters<typeof changed>[0], RegExp]>([
    ['operator', (_, { node }) => Object.assign(node[2] as object, { op_type: 'Erf' }), /node 3 to be Tanh: Erf/],
    ['domain', (_, { node }) => Object.assign(node[2] as object, { domain: 'my' }), /node 3 to be Tanh: my\.Tanh/],
    ['number of nodes', (_, graph) => graph.node.pop(), /12 times node: 11/],
    [
      'attribute',
      (_, { node }) => Object.assign(node[8]?.attribute?.[0] as object, { ints: [int64(0), int64(1)] }),
      /attribute "perm" of node 9, Transpose to be equal: other values/,
    ],
    ['input of a node', (_, { node }) => node[3]?.input?.reverse(), /"t1" as input 1 of node 4, MatMul: "T"/],
    [
      'input',
      (_, { input }) => Object.assign(input[0]?.type?.tensor_type as object, { elem_type: 10 }),
      /"x" to be F32/,
    ],
    ['output', (_, { output }) => output.push({ name: 'h1' }), /1 times output: 2/],
    ['opset', ({ opset_import: [one] }) => Object.assign(one as object, { version: int64(14) }), /ai\.onnx 13: .* 14/],
    [
      'integer',
      (_, { initializer }) => Object.assign(initializer[5] as object, { raw_data: new Uint8Array(16) }),
      /"shape", I64 \[2\], which is no weight, to be equal: other/,
    ],
    [
      'shape',
      (_, { initializer }) => Object.assign(initializer[0] as object, { dims: [4, 9].map(int64) }),
      /"T" to be F32 \[6, 6\]: F32 \[4, 9\]/,
    ],
    [
      'further initializer',
      (_, { initializer }) => initializer.push({ ...initializer[0], name: 'more' } as never),
      /no further initializer: "more"/,
    ],
  ])('unless an %s is another', async (_, change, message) => {
    const found = await match(changed(change));
    expect('expected' in found && `${found.expected}: ${found.found}`).toMatch(message);
  });
});

/** x W with W [4, 3] as external data of these entries. */
function external(entries: Readonly<Record<string, string>>): string {
  const path = scratch('model.onnx');
  const w = {
    name: 'w',
    data_type: 1,
    dims: [4, 3].map(int64),
    data_location: 1,
    external_data: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
  writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer: [w] } }).finish());
  return path;
}

describe('external data', () => {
  test('are read from beyond 4 GiB', async () => {
    const offset = 5 * 2 ** 30;
    const path = external({ location: 'big/data.bin', offset: String(offset), length: '48', checksum: 'unread' });
    mkdirSync(join(dirname(path), 'big'));
    const data = join(dirname(path), 'big/data.bin');
    writeFileSync(data, '');
    truncateSync(data, offset);
    writeFileSync(data, new Uint8Array(Float32Array.from({ length: 12 }, (_, at) => at).buffer), { flag: 'a' });
    await using(path, async (file) => {
      expect(file.range('w')).toMatchObject({ offset, byteLength: 48 });
      const last = new Float32Array(1);
      await file.read('w', new Uint8Array(last.buffer), 44);
      expect(last[0]).toBe(11);
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['in the folder above', { location: '../d.bin' }, /within the model's folder .*"\.\.\/d\.bin"/],
    ['at an absolute path', { location: '/etc/passwd' }, /within the model's folder/],
    ['at one of Windows', { location: 'C:\\d.bin' }, /within the model's folder/],
    ['in memory', { location: '*/_ORT_MEM_ADDR_/*' }, /within the model's folder/],
    ['of a name that no disk has', { location: 'x'.repeat(5000) }, /within the model's folder .{1,300}$/],
    ['nowhere', { offset: '0' }, /a location/],
    ['past the end', { location: 'd.bin', offset: '60' }, /bytes 60 to 108 of .*d\.bin but found 64 bytes/],
    ['before the beginning', { location: 'd.bin', offset: '-4' }, /as offset .*"-4"/],
    ['of another length', { location: 'd.bin', length: '44' }, /48 bytes .* 44/],
  ])('%s are refused', async (_, entries, message) => {
    const path = external(entries);
    writeFileSync(join(dirname(path), 'd.bin'), new Uint8Array(64));
    expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(message);
  });

  test('that are links to elsewhere, or no regular file, are refused', async () => {
    const outside = scratch('outside.bin');
    writeFileSync(outside, new Uint8Array(64));
    const path = external({ location: 'd.bin' });
    const data = join(dirname(path), 'd.bin');
    symlinkSync(outside, data);
    expect(await refusal(openOnnx(path), 'FILE')).toMatch(/a link out of it: .*d\.bin/);
    const other = external({ location: 'd.bin' });
    linkSync(outside, join(dirname(other), 'd.bin'));
    expect(await refusal(openOnnx(other), 'FILE')).toMatch(/a hard link/);
    const third = external({ location: 'd.bin' });
    expect(await refusal(openOnnx(third), 'FILE')).toMatch(/external data .*"w" names, .*d\.bin .*no such file/);
    mkdirSync(join(dirname(third), 'd.bin'));
    expect(await refusal(openOnnx(third), 'FILE')).toMatch(/a regular file but found a folder/);
  });

  test('of many tensors in the same few bytes are refused', async () => {
    const dims = [2 ** 12, 2 ** 10].map(int64);
    const tensor = (name: string) => ({
      ...{ name, data_type: 1, dims, data_location: 1 },
      external_data: [{ key: 'location', value: 'd.bin' }],
    });
    const path = scratch('model.onnx');
    const initializer = Array.from({ length: 9 }, (_, at) => tensor(`w${at}`));
    writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer } }).finish());
    writeFileSync(join(dirname(path), 'd.bin'), '');
    truncateSync(join(dirname(path), 'd.bin'), 2 ** 24);
    expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(/at most 8 times/);
  });
});

describe('refused with the reason is a graph', () => {
  test.each<[string, onnx.GraphProto.$Properties, RegExp]>([
    ['of QDQ', { node: [{ op_type: 'DequantizeLinear', name: 'd' }] }, /"DequantizeLinear" \(node "d"\)/],
    ['of QLinear operators', { node: [{ op_type: 'QLinearConv' }] }, /"QLinearConv"/],
    ['of integers', { node: [{ op_type: 'MatMulInteger' }] }, /"MatMulInteger"/],
    ['of ONNX Runtime', { node: [{ op_type: 'MatMulNBits', domain: 'com.microsoft' }] }, /"MatMulNBits"/],
    [
      'with a subgraph of these',
      { node: [{ op_type: 'If', attribute: [{ name: 'then_branch', g: { node: [{ op_type: 'QAttention' }] } }] }] },
      /"QAttention"/,
    ],
    [
      'of float8',
      { initializer: [{ name: 'w', data_type: 17, dims: [int64(1)], raw_data: Uint8Array.of(1) }] },
      /"w" of type FLOAT8E4M3FN/,
    ],
    [
      'of int4',
      { initializer: [{ name: 'w', data_type: 22, dims: [int64(2)], raw_data: Uint8Array.of(1) }] },
      /"w" of type INT4/,
    ],
  ])('%s', async (_, graph, message) => {
    const path = scratch('model.onnx');
    writeFileSync(path, onnx.ModelProto.encode({ graph }).finish());
    const found = await refusal(openOnnx(path), 'FORMAT');
    expect(found).toMatch(message);
    expect(found).toMatch(/is not averaging weights; average the models before they are quantised/);
  });

  test('with the data of a weight in two places, or cut anywhere', async () => {
    const path = scratch('model.onnx');
    const w = { name: 'w', data_type: 1, dims: [int64(1)], raw_data: new Uint8Array(4), float_data: [1] };
    writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer: [w] } }).finish());
    expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(/in one place.*"w"/);
    const half = { name: 'w', data_type: 10, dims: [int64(2)] };
    for (const int32_data of [[1, 65536], [1, -1], [1], [1, 2, 3]]) {
      writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer: [{ ...half, int32_data }] } }).finish());
      expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(/2 numbers from 0 to 65535 .*"w"/);
    }
    // No array of Node holds so many.
    const huge = { ...half, dims: [int64(2 ** 33)], int32_data: [1, 2] };
    writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer: [huge] } }).finish());
    expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(/8589934592 numbers from 0 to 65535 .*"w"/);
    // Of another type's field nothing is read, however much it holds.
    const other = { ...half, data_type: 1, int32_data: Array(1000).fill(1) };
    writeFileSync(path, onnx.ModelProto.encode({ graph: { initializer: [other] } }).finish());
    expect(await refusal(openOnnx(path), 'FORMAT')).toMatch(/8 bytes for F32 \[2\] but found 0 .*"w"/);
    const bytes = readFileSync(`${MODELS}typed/a.onnx`);
    for (let length = 0; length < bytes.length; length += 13) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(await refusal(openOnnx(path), 'FORMAT')).toContain(path);
    }
  });
});
