import { onnx } from '../../../core/generated/onnx.js';
import { npy, type ZipEntry, zip } from '../../../core/test/zip.js';

/** What is wrong, and the bytes. */
export type Malformed = readonly [label: string, bytes: Uint8Array];

const BAD_SIZES = ['-1', '1.5', '9007199254740992', '"2"', 'null', '[]', 'true', '1e3', '-0', '{}'];
const BAD_NAMES = ['../../x', '/etc/passwd', 'a\\b', 'C:x', '\u0000', '..', 'x\u202e'];

export function safetensors(header: string | object, data: Uint8Array = new Uint8Array(8), length?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

const tensor = (dtype: string, shape: string, offsets = '[0,8]') =>
  `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;

export function malformedSafetensors(): Malformed[] {
  const good = tensor('"F32"', '[2]');
  const headers = [
    ...['"F33"', '"f32"', '"F4"', '"F6_E2M3"', '1', 'null', '""', '"__proto__"'].map((dtype) => tensor(dtype, '[2]')),
    ...BAD_SIZES.flatMap((size) => [`[${size}]`, `[2,${size}]`, size].map((shape) => tensor('"F32"', shape))),
    ...BAD_SIZES.flatMap((size) => [`[${size},8]`, `[0,${size}]`].map((offsets) => tensor('"F32"', '[2]', offsets))),
    ...['[0,4]', '[4,8]', '[8,0]', '[0,16]', '[8,16]', '[0]', '[0,8,8]', '[]'].map((offsets) =>
      tensor('"F32"', '[2]', offsets),
    ),
    ...[[2 ** 31, 2 ** 31, 2 ** 31], [2 ** 52, 2], [2 ** 53 - 1, 0], Array(65).fill(1)].map((shape) =>
      tensor('"F32"', JSON.stringify(shape)),
    ),
    ...['{}', '[]', '0', '"x"', 'null', `${good.slice(0, -1)},"extra":1}`, `${good.slice(0, -1)},"shape":[2]}`],
  ].map((entry) => `{"w":${entry}}`);
  const whole = [
    '',
    'null',
    '[]',
    ' {}',
    '{',
    `{"w":${good}`,
    `{"w":${good}}}`,
    `{"w":${good},}`,
    `{"w":${good},"w":${good}}`,
    `{"w":${good},"\\u0077":${good}}`,
    `{"a":${good},"b":${good}}`,
    `{"a":${good},"b":${tensor('"F32"', '[1]', '[4,8]')}}`,
    `{'w':${good}}`,
    `{"w":${good}}\u0000`,
    `{"\\ud800":${good}}`,
    `{"w\n":${good}}`,
    `{"w":${good}}//`,
    `\ufeff{"w":${good}}`,
    `{"w":${'['.repeat(20_000)}`,
    `{"w":${good},"__metadata__":1}`,
    `{"w":${good},"__metadata__":{"a":1}}`,
    `{"w":${good},"__metadata__":{"a":"b","a":"c"}}`,
  ];
  return [
    ...[...headers, ...whole].map((header): Malformed => [header.slice(0, 90), safetensors(header)]),
    ...[0n, 1n, 7n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map(
      (length): Malformed => [`a header of ${length}`, safetensors(`{"w":${good}}`, undefined, length)],
    ),
    ...[0, 1, 7, 9, 4096].map(
      (bytes): Malformed => [`data of ${bytes}`, safetensors(`{"w":${good}}`, new Uint8Array(bytes))],
    ),
  ];
}

const npyOf = (text: string, data = 8, version = 1, length = text.length) => {
  const head = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1');
  const size = Buffer.alloc(version === 1 ? 2 : 4);
  size.writeUIntLE(length, 0, size.length);
  return Buffer.concat([head, size, Buffer.from(text, 'latin1'), Buffer.alloc(data)]);
};

export function malformedNpy(): Malformed[] {
  const header = (descr: string, shape = '(2,)', order = 'False') =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const descrs = [
    ...'|O =f4 f4 <f16 <c8 <c16 |S4 <U4 |V8 <M8[s] <m8[s] >O <f3 <i3 <u16 <b4 ?? float32'
      .split(' ')
      .map((d) => `'${d}'`),
    "[('a', '<f4')]",
    "('<f4', (2,))",
    'None',
    '4',
    "'<f4' + ''",
    "__import__('os').abort()",
    "b'<f4'",
    "'<f4",
    "'\\x3cf4'",
    "u'<f4'",
  ];
  const shapes = [
    '(-2,)',
    '(2)',
    '2',
    '[2]',
    '(2.0,)',
    '(2L,)',
    '(1_0,)',
    '(0x2,)',
    '(2,,)',
    '(,)',
    '(2,(2,))',
    '(2**40,)',
    '(9007199254740992, 0)',
    '(18446744073709551616,)',
    '(4294967296, 4294967296)',
    `(${'1, '.repeat(65)})`,
    `(${'9'.repeat(1_900)},)`,
    '(2,',
    '("2",)',
    '(True,)',
    '(None,)',
  ];
  const texts = [
    ...descrs.map((descr) => header(descr)),
    ...shapes.map((shape) => header("'<f4'", shape)),
    ...['True', '0', 'None', "'False'", 'false', 'not True'].map((order) => header("'<f4'", '(2, 1, 3)', order)),
    '',
    '{}',
    '{',
    "{'descr': '<f4'}",
    header("'<f4'").replace('shape', 'shapes'),
    header("'<f4'").replace('}', ", 'x': 1}"),
    header("'<f4'").replace('}', "'shape': (2,)}"),
    `(${header("'<f4'")})`,
    ` ${header("'<f4'")}`,
    `${header("'<f4'")}x`,
    '{'.repeat(60_000),
    `{'descr': ${'('.repeat(30_000)}`,
    `{${' '.repeat(60_000)}`,
    '\0'.repeat(100),
  ];
  return [
    ...texts.map((text): Malformed => [text.slice(0, 90), npyOf(text)]),
    ...[0, 3, 255].map(
      (version): Malformed => [`version ${version}`, npyOf(header("'<f4'"), 8, version === 3 ? 4 : version)],
    ),
    ...[0, 1, 7, 9, 64].map((bytes): Malformed => [`data of ${bytes}`, npyOf(header("'<f4'"), bytes)]),
    ...[1, 2].flatMap((version) =>
      [0, 1, 10_000, 65_535].map(
        (length): Malformed => [`a header of ${length}`, npyOf(header("'<f4'"), 8, version, length)],
      ),
    ),
    ...[0, 1, 5, 6, 8, 9, 11].map((size): Malformed => [`${size} bytes`, npyOf(header("'<f4'")).subarray(0, size)]),
  ];
}

/** Archives whose entries, or their names, are refused. @param body a valid entry's bytes */
export function malformedZips(name: string, body: Uint8Array): Malformed[] {
  const of = (...entries: ZipEntry[]) => zip(entries);
  const good = { name, bytes: body };
  const whole = of(good);
  const end = whole.length - 22;
  const patched = (at: number, value: number, width: number) => {
    const bytes = Buffer.from(whole);
    bytes.writeUIntLE(value, at, width);
    return bytes;
  };
  const local = [
    [0, 4],
    [8, 2],
    [26, 2],
  ] as const;
  const directory = whole.readUInt32LE(end + 16);
  const central = [
    [0, 4],
    [10, 2],
    [20, 4],
    [24, 4],
    [28, 2],
    [42, 4],
  ] as const;
  const last = [
    [0, 4],
    [4, 2],
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ] as const;
  const lying = [
    ...local.map((field) => [0, ...field] as const),
    ...central.map((field) => [directory, ...field] as const),
    ...last.map((field) => [end, ...field] as const),
  ].flatMap(([start, at, width]) =>
    [7, 2 ** (8 * width) - 1].map(
      (value): Malformed => [`${value} at ${start + at}`, patched(start + at, value, width)],
    ),
  );
  return [
    ...lying,
    ...BAD_NAMES.map((bad): Malformed => [`an entry ${bad}`, of(good, { ...good, name: bad })]),
    ['two of one name', of(good, good)],
    ['encrypted', of({ ...good, lies: { flags: 1 } })],
    ['strongly encrypted', of({ ...good, lies: { flags: 65 } })],
    ['another method', of({ ...good, lies: { method: 12 } })],
    ['a wrong checksum', of({ ...good, lies: { crc32: 1 } })],
    ['another local name', of({ ...good, lies: { localName: 'x' } })],
    ['a name in other characters here and there', patched(6, 0x800, 2)],
    ['a name with control characters', of(good, { ...good, name: 'x\u001b[2J' })],
    ['a smaller size', of({ ...good, deflated: true, lies: { size: body.length - 1 } })],
    ['a larger size', of({ ...good, deflated: true, lies: { size: body.length + 1 } })],
    ['a bomb', of({ name, bytes: npy('|u1', [2 ** 27], new Uint8Array(2 ** 27)), deflated: true })],
    ...Array.from({ length: 40 }, (_, i): Malformed => {
      const at = Math.floor((whole.length * i) / 40);
      return [`cut after ${at}`, whole.subarray(0, at)];
    }),
    ...[1, 8, 21].map((cut): Malformed => [`cut ${cut} before its end`, whole.subarray(0, -cut)]),
  ];
}

const varint = (value: bigint): Buffer =>
  value < 128n ? Buffer.of(Number(value)) : Buffer.concat([Buffer.of(Number(value & 127n) | 128), varint(value >> 7n)]);
const field = (number: number, wire: number, ...body: readonly Uint8Array[]) =>
  Buffer.concat([varint(BigInt(number * 8 + wire)), ...body]);
const message = (number: number, body: Uint8Array) => field(number, 2, varint(BigInt(body.length)), body);

/** A model of one initializer, field by field. */
const modelOf = (...initializers: Uint8Array[]) =>
  message(7, Buffer.concat(initializers.map((one) => message(5, one))));

export function malformedOnnx(): Malformed[] {
  const name = message(8, Buffer.from('w'));
  const float = field(2, 0, varint(1n));
  const raw = (bytes: number) => message(9, new Uint8Array(bytes));
  const dims = (...sizes: bigint[]) =>
    Buffer.concat(sizes.map((size) => field(1, 0, varint(BigInt.asUintN(64, size)))));
  const good = Buffer.concat([name, float, dims(2n), raw(8)]);
  const whole = modelOf(good);
  const tensors: [string, Buffer][] = [
    ...[-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n].map((size): [string, Buffer] => [
      `a size of ${size}`,
      dims(size),
    ]),
    ['an overflowing product', dims(2n ** 31n, 2n ** 31n, 4n)],
    ['a zero beside a size of 2^53', dims(0n, 2n ** 53n)],
    ['65 dimensions', dims(...Array<bigint>(65).fill(1n))],
    ['a packed shape that lies', field(1, 2, varint(100n), Buffer.of(2))],
    ['a packed shape that overflows', message(1, Buffer.alloc(11, 0xff))],
  ];
  let nested: Buffer = Buffer.alloc(0);
  for (let level = 0; level < 2_000; level++) nested = message(1, message(5, message(6, nested)));
  return [
    ...tensors.map(([label, shape]): Malformed => [label, modelOf(Buffer.concat([name, float, shape, raw(8)]))]),
    ...[0, 1, 7, 9, 64].map(
      (size): Malformed => [`data of ${size}`, modelOf(Buffer.concat([name, float, dims(2n), raw(size)]))],
    ),
    ...[3, 4, 6, 7].map((wire): Malformed => [`wire type ${wire}`, Buffer.concat([whole, field(9, wire)])]),
    ...[3, 6, 7].map(
      (wire): Malformed => [`wire type ${wire} in the tensor`, modelOf(Buffer.concat([good, field(40, wire)]))],
    ),
    ...[2n ** 31n, 2n ** 32n - 1n, 2n ** 63n].map(
      (length): Malformed => [`a length of ${length}`, Buffer.concat([whole, field(7, 2, varint(length))])],
    ),
    ['an endless number', Buffer.concat([whole, field(1, 0, Buffer.alloc(20, 0xff))])],
    ['field 0', Buffer.concat([whole, Buffer.of(0, 0)])],
    ['two initializers of one name', modelOf(good, good)],
    ['no name', modelOf(Buffer.concat([float, dims(2n), raw(8)]))],
    ['an undefined type', modelOf(Buffer.concat([name, field(2, 0, varint(0n)), dims(2n), raw(8)]))],
    ['a negative type', modelOf(Buffer.concat([name, field(2, 0, varint(2n ** 64n - 1n)), dims(2n), raw(8)]))],
    ['a name that is no UTF-8', modelOf(Buffer.concat([message(8, Buffer.of(0xff, 0xfe)), float, dims(2n), raw(8)]))],
    ['no graph', message(2, Buffer.from('x'))],
    ['nothing', new Uint8Array(0)],
    ['subgraphs in subgraphs', message(7, nested)],
    ['groups in groups', Buffer.concat([whole, Buffer.alloc(50_000, 9 * 8 + 3)])],
    ['a sparse initializer', message(7, Buffer.concat([message(5, good), message(15, message(1, good))]))],
    ['a million empty nodes', message(7, Buffer.alloc(2_200_000).fill(Buffer.of(10, 0)))],
    ['millions of sizes', modelOf(Buffer.concat([name, float, message(1, Buffer.alloc(2_200_000, 1)), raw(4)]))],
    ...Array.from({ length: 20 }, (_, at): Malformed => [`cut after ${at + 1}`, whole.subarray(0, at + 1)]).filter(
      ([, bytes]) => isCut(bytes),
    ),
  ];
}

/** A message may end between any two fields. */
function isCut(bytes: Uint8Array): boolean {
  try {
    return onnx.ModelProto.decode(bytes).graph == null;
  } catch {
    return true;
  }
}

export function malformedYaml(): Malformed[] {
  const good = 'graph: g\nmodels: m\nvalidation: { inputs: a, labels: b }\n';
  const texts = [
    '',
    '\0',
    '{}',
    '[]',
    'null',
    '- a',
    '---\n---\n',
    'graph: [',
    'graph: {',
    `graph: ${'['.repeat(20_000)}`,
    `graph: ${'{a: '.repeat(20_000)}`,
    `${good}graph: h\n`,
    `${good}"gr\\u0061ph": h\n`,
    `${good}__proto__: x\n`,
    `${good}constructor: x\n`,
    `${good}models : x\n`,
    `${good}x: &a [*a]\n`,
    `${good}x: *nowhere\n`,
    `a: &a [x, x]\n${good}b: [*a]\n`,
    `${good}<<: { test: 1 }\n`,
    `${good}test: !!js/function "x"\n`,
    `${good}metric: !!binary eA==\n`,
    `${good}metric: 1\n`,
    `${good}metric: top-0\n`,
    `${good}metric: top-${'9'.repeat(400)}\n`,
    `${good}rename: [a]\n`,
    `${good}rename: { a: 1 }\n`,
    `${good}output: ""\n`,
    `${good}output: 1e400\n`,
    `${good}test: {}\n`,
    `${good}test: { inputs: a }\n`,
    `${good}test: { inputs: [], labels: b }\n`,
    good.replace('models: m', 'models: []'),
    good.replace('models: m', 'models: [1]'),
    good.replace('models: m', 'models: { a: b }'),
    good.replace('graph: g', 'graph: [g]'),
    good.replace('graph: g', 'graph: 0x10'),
    good.replace('graph: g', 'graph: .nan'),
    good.replace('graph', 'GRAPH'),
    good.replace('graph: g', 'graph: "\\x1b[2J'),
    good.replace('graph: g', '\tgraph: g'),
    `%YAML 9\n---\n${good}x`,
    `${good}---\n${good}`,
    `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghij', (key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[at]}`)}]\n`).join('')}`,
    Array.from({ length: 20_000 }, (_, at) => `k${at}: 1\n`).join(''),
    `? ${'x'.repeat(2_000)}\n: 1`,
    `${'x'.repeat(2_000)}: 1`,
    '#'.repeat(2 ** 20 + 1),
  ];
  return [
    ...texts.map((text): Malformed => [text.slice(0, 90), Buffer.from(text)]),
    ['no UTF-8', Buffer.concat([Buffer.from(good), Buffer.of(0xff, 0xfe)])],
    ['UTF-16', Buffer.from(`\ufeff${good}`, 'utf16le')],
  ];
}

export function malformedIndexes(shard: string): Malformed[] {
  const names = [
    ...BAD_NAMES,
    '',
    '.safetensors',
    './w.safetensors',
    '../w.safetensors',
    'gone.safetensors',
    '/dev/zero',
    'x/../w.safetensors',
    'w.bin',
  ];
  const texts = [
    ...names.map((name) => JSON.stringify({ weight_map: { w: name } })),
    ...names.map((name) => JSON.stringify({ weight_map: { w: shard, v: name } })),
    ...[{}, { v: shard }, { w: shard, v: shard }, [], null, 1, 'x', { w: 1 }, { w: [shard] }].map((map) =>
      JSON.stringify({ weight_map: map }),
    ),
    ...[1, 7, 9, -8, '8', 1e300, 0.5, null, {}].map((size) =>
      JSON.stringify({ metadata: { total_size: size }, weight_map: { w: shard } }),
    ),
    `{"weight_map":{"w":"${shard}","w":"${shard}"}}`,
    `{"weight_map":{"w":"${shard}"},"weight_map":{}}`,
    '',
    '{',
    '[]',
    'null',
    '\ufeff{}',
    JSON.stringify({ metadata: [], weight_map: { w: shard } }),
    `{"weight_map":${'{"a":'.repeat(5_000)}`,
  ];
  return texts.map((text): Malformed => [text.slice(0, 90), Buffer.from(text)]);
}
