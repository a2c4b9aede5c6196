import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readdirSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { RadinError } from '../../src/errors/index.js';
import { type Dtype, dtypeBytes, type TensorInfo, tensorBytes } from '../../src/formats/dtype.js';
import { openSafetensors, type SafetensorsFile } from '../../src/formats/safetensors-reader.js';
import { writeSafetensors } from '../../src/formats/safetensors-writer.js';
import { python, refusal, runPython, scratch } from './scratch.js';

const opened: SafetensorsFile[] = [];
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
});

async function open(path: string): Promise<SafetensorsFile> {
  const file = await openSafetensors(path);
  opened.push(file);
  return file;
}

/** A file of this header and `data` zero bytes. */
function build(header: string | Uint8Array, data: number | Uint8Array = 0): string {
  const path = scratch('model.safetensors');
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  writeFileSync(path, Buffer.concat([prefix, text, typeof data === 'number' ? new Uint8Array(data) : data]));
  return path;
}

function tensor(name: string, dtype: Dtype, shape: readonly number[]): TensorInfo {
  return { name, dtype, shape, byteLength: tensorBytes(dtype, shape) as number };
}

const W = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

describe('reads', () => {
  test('tensors by place, then name, with metadata', async () => {
    const path = build(
      '{"c":{"dtype":"F16","shape":[3,2],"data_offsets":[8,20]},"__metadata__":{"format":"pt"},"d":{"dtype":"I8","shape":[0],"data_offsets":[8,8]},' +
        `"b":{"dtype":"U8","shape":[9,0],"data_offsets":[8,8]},"a":${W},"e":{"dtype":"F64","shape":[],"data_offsets":[20,28]}}   `,
      28,
    );
    const file = await open(path);
    expect(file.tensors).toEqual([
      { name: 'a', dtype: 'F32', shape: [2], byteLength: 8 },
      { name: 'b', dtype: 'U8', shape: [9, 0], byteLength: 0 },
      { name: 'd', dtype: 'I8', shape: [0], byteLength: 0 },
      { name: 'c', dtype: 'F16', shape: [3, 2], byteLength: 12 },
      { name: 'e', dtype: 'F64', shape: [], byteLength: 8 },
    ]);
    expect([...file.metadata]).toEqual([['format', 'pt']]);
  });

  test('a file without tensors', async () => {
    expect((await open(build('{}'))).tensors).toEqual([]);
  });

  test('names that objects have already', async () => {
    const path = build(`{"__proto__":${W},"__metadata__":{"__proto__":"x"}}`, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const file = await open(path);
    expect(file.tensors.map(({ name }) => name)).toEqual(['__proto__']);
    expect(file.metadata.get('__proto__')).toBe('x');
    const target = new Uint8Array(4);
    await file.read('__proto__', target, 3);
    expect([...target]).toEqual([4, 5, 6, 7]);
  });

  test('into targets of any alignment, from any offset', async () => {
    const data = Uint8Array.from({ length: 16 }, (_, at) => at);
    const header = `{"a":${W},"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}`;
    const file = await open(build(header, data));
    const memory = new Uint8Array(20);
    await Promise.all([file.read('b', memory.subarray(3, 8), 2), file.read('a', memory.subarray(9, 12), 5)]);
    expect([...memory]).toEqual([0, 0, 0, 10, 11, 12, 13, 14, 0, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('past 4 GiB', async () => {
    const size = 5 * 2 ** 30;
    const path = build(
      `{"a":{"dtype":"U8","shape":[${size - 3}],"data_offsets":[0,${size - 3}]},"b":{"dtype":"U8","shape":[3],"data_offsets":[${size - 3},${size}]}}`,
    );
    const start = readFileSync(path).byteLength;
    truncateSync(path, start + size);
    writeSync(openSync(path, 'r+'), Uint8Array.of(7, 8, 9), 0, 3, start + size - 3);
    const target = new Uint8Array(2);
    await (await open(path)).read('b', target, 1);
    expect([...target]).toEqual([8, 9]);
  });
});

describe('refuses', () => {
  const entry = (dtype: unknown, shape: unknown, offsets: unknown, more = ''): string =>
    `{"w":{"dtype":${JSON.stringify(dtype)},"shape":${JSON.stringify(shape)},"data_offsets":${JSON.stringify(offsets)}${more}}}`;

  test.each<[string, string, number, RegExp]>([
    ['a header that is no object', '[]', 0, /starts with "\{"/],
    ['a header that starts with a space', ' {}', 0, /starts with "\{"/],
    ['an empty header', '', 0, /starts with "\{"/],
    ['no JSON', '{"w":', 0, /JSON header/],
    ['padding other than spaces', '{}\0\0', 0, /JSON header/],
    ['two tensors of one name', `{"w":${W},"w":${W}}`, 8, /there twice/],
    ['two metadata', '{"__metadata__":{},"__metadata__":{}}', 0, /there twice/],
    ['metadata that is no object', '{"__metadata__":"x"}', 0, /__metadata__ to be an object/],
    ['metadata that is no text', '{"__metadata__":{"epoch":3}}', 0, /strings only .*"epoch"/],
    ['an entry that is no object', '{"w":1}', 0, /tensor "w"/],
    ['an unknown field', entry('F32', [2], [0, 8], ',"stride":1'), 8, /"stride" .*tensor "w"/],
    ['a field called __proto__', entry('F32', [2], [0, 8], ',"__proto__":1'), 8, /"__proto__"/],
    ['a missing dtype', '{"w":{"shape":[2],"data_offsets":[0,8]}}', 8, /dtype/],
    ['a missing shape', '{"w":{"dtype":"F32","data_offsets":[0,8]}}', 8, /shape/],
    ['missing offsets', '{"w":{"dtype":"F32","shape":[2]}}', 8, /data_offsets/],
    ['an unknown dtype', entry('F31', [2], [0, 8]), 8, /"F31"/],
    ['a dtype that objects have already', entry('toString', [2], [0, 8]), 8, /"toString"/],
    ['a sub-byte dtype', entry('F4', [2], [0, 1]), 1, /smaller than a byte/],
    ['a negative size', entry('F32', [-2], [0, 8]), 8, /shape of integers/],
    ['a fractional size', entry('F32', [0.5], [0, 2]), 2, /JSON header/],
    ['a size in words', entry('F32', ['2'], [0, 8]), 8, /shape of integers/],
    ['one offset', entry('F32', [2], [0]), 8, /two integers/],
    ['three offsets', entry('F32', [2], [0, 8, 16]), 8, /two integers/],
    ['an end before the beginning', entry('F32', [2], [8, 0]), 8, /from 8 to 0/],
    ['offsets that do not fit the shape', entry('F32', [2], [0, 7]), 7, /8 bytes for F32 \[2\]/],
    ['a shape that overflows 64 bits to fit', entry('F32', [2 ** 31, 2 ** 31, 4], [0, 0]), 0, /more than 2\^53/],
    ['a hole at the start', entry('F32', [2], [4, 12]), 12, /a hole/],
    ['a hole', `{"a":${W},"b":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}`, 10, /a hole.*"b"/],
    ['an overlap', `{"a":${W},"b":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}}`, 8, /an overlap.*"b"/],
    ['missing data', entry('F32', [2], [0, 8]), 7, /8 bytes of data.* 7/],
    ['trailing data', entry('F32', [2], [0, 8]), 9, /8 bytes of data.* 9/],
  ])('%s', async (_, header, data, expected) => {
    const path = build(header, data);
    const message = await refusal(openSafetensors(path), 'FORMAT');
    expect(message).toMatch(expected);
    expect(message).toContain(path);
  });

  test.each([0, 7])('a file of %i bytes', async (size) => {
    const path = scratch('short');
    writeFileSync(path, new Uint8Array(size));
    expect(await refusal(openSafetensors(path), 'FORMAT')).toContain('8 bytes or more');
  });

  test('a header longer than the file', async () => {
    const path = scratch('long');
    writeFileSync(path, Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d));
    expect(await refusal(openSafetensors(path), 'FORMAT')).toContain('at most 2 bytes but found a length of 3');
  });

  test('a header above 100 MB without reading it', async () => {
    const path = build('{}');
    writeFileSync(path, Uint8Array.of(1, 0xe1, 0xf5, 5, 0, 0, 0, 0));
    truncateSync(path, 200_000_000);
    expect(await refusal(openSafetensors(path), 'FORMAT')).toContain('a length of 100000001');
  });

  test('what is no regular file, without waiting', async () => {
    const folder = scratch('folder');
    mkdirSync(folder);
    expect(await refusal(openSafetensors(folder), 'FILE')).toContain('a folder');
    const pipe = scratch('pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    expect(await refusal(openSafetensors(pipe), 'FILE')).toContain('a pipe');
    expect(await refusal(openSafetensors(scratch('none')), 'FILE')).toContain('no such file');
    expect(await refusal(openSafetensors('a\0b'), 'FILE')).toContain('a\\u{0}b');
  });

  test('a file that became shorter, naming the tensor', async () => {
    const path = build(`{"w":${W}}`, 8);
    const file = await open(path);
    truncateSync(path, readFileSync(path).byteLength - 1);
    expect(await refusal(file.read('w', new Uint8Array(8)), 'FILE')).toMatch(/the end of the file .*tensor "w"/);
  });

  test('bytes outside the tensor, as a bug of the caller', async () => {
    const file = await open(build(`{"w":${W}}`, 8));
    await expect(file.read('v', new Uint8Array(1))).rejects.toThrow(RangeError);
    await expect(file.read('w', new Uint8Array(8), 1)).rejects.toThrow(RangeError);
    await expect(file.read('w', new Uint8Array(1), -1)).rejects.toThrow(RangeError);
  });
});

test('any bytes give a file or a RadinError', async () => {
  const path = scratch('any');
  const value = fc.oneof(
    fc.record({
      dtype: fc.constantFrom('F32', 'U8', 'X'),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
      data_offsets: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
    }),
    fc.jsonValue(),
  );
  const headers = fc.dictionary(fc.string(), value).map((header) => new TextEncoder().encode(JSON.stringify(header)));
  const framed = fc.tuple(headers, fc.nat(20)).map(([header, data]) => {
    return Uint8Array.of(header.length & 255, header.length >> 8, 0, 0, 0, 0, 0, 0, ...header, ...new Uint8Array(data));
  });
  const run = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(path, bytes);
    try {
      await (await openSafetensors(path)).close();
    } catch (error) {
      expect(error).toBeInstanceOf(RadinError);
      expect((error as Error).message).not.toMatch(/\p{Cc}/u);
    }
  };
  await fc.assert(fc.asyncProperty(fc.oneof(framed, fc.uint8Array()), run), { numRuns: 1000 });
});

const DTYPES: readonly Dtype[] = ['BOOL', 'U8', 'I16', 'F16', 'BF16', 'F32', 'I64', 'F8_E4M3', 'C64'];

describe('writes', () => {
  test('what it reads back', async () => {
    const path = scratch('model.safetensors');
    const tensors = fc.uniqueArray(
      fc
        .tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(...DTYPES), fc.array(fc.nat(4), { maxLength: 4 }))
        .filter(([name]) => name !== '__metadata__')
        .map(([name, dtype, shape]) => tensor(name, dtype, shape)),
      { selector: ({ name }) => name },
    );
    const texts = fc.string({ unit: 'grapheme' });
    const metadata = fc.array(fc.tuple(texts, texts)).map((entries) => new Map(entries));
    const run = async (expected: readonly TensorInfo[], texts: Map<string, string>, chunk: number): Promise<void> => {
      const contents = new Map(
        expected.map(({ name, byteLength }, at) => [name, new Uint8Array(byteLength).map((_, i) => i * 7 + at)]),
      );
      const written = await writeSafetensors(path, expected, texts, async ({ name, byteLength }, write) => {
        const content = contents.get(name) as Uint8Array;
        for (let at = 0; at < byteLength; at += chunk) await write(content.subarray(at, at + chunk));
      });
      const bytes = readFileSync(path);
      expect(written).toEqual({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
      expect(bytes.readUInt32LE(0) % 8).toBe(0);
      const file = await openSafetensors(path);
      expect(new Map(file.tensors.map((info) => [info.name, info]))).toEqual(
        new Map(expected.map((info) => [info.name, info])),
      );
      expect(file.metadata).toEqual(texts);
      for (const { name, byteLength } of expected) {
        const target = new Uint8Array(byteLength);
        await file.read(name, target);
        expect(target).toEqual(contents.get(name));
      }
      await file.close();
    };
    await fc.assert(fc.asyncProperty(tensors, metadata, fc.integer({ min: 1, max: 9 }), run), { numRuns: 60 });
  });

  const one = [tensor('w', 'F32', [2])];
  const none = new Map<string, string>();
  test.each<[string, TensorInfo[], Map<string, string>, number, RegExp]>([
    ['fewer bytes', one, none, 7, /8 bytes but received 7 for tensor "w"/],
    ['more bytes', one, none, 9, /8 bytes but received more/],
    ['two tensors of one name', [...one, ...one], none, 8, /not taken/],
    ['a tensor called __metadata__', [tensor('__metadata__', 'U8', [1])], none, 1, /not taken/],
    ['a wrong byteLength', [{ ...tensor('w', 'F32', [2]), byteLength: 9 }], none, 9, /F32 \[2\]/],
    ['a name that is no text', [tensor('\ud800', 'F32', [2])], none, 8, /unpaired surrogates/],
    ['metadata that is no text', one, new Map([['a', '\udfff']]), 8, /unpaired surrogates/],
  ])('refuses %s and leaves nothing', async (_, tensors, metadata, bytes, expected) => {
    const path = scratch('model.safetensors');
    const writing = writeSafetensors(path, tensors, metadata, (_tensor, write) => write(new Uint8Array(bytes)));
    expect(await refusal(writing, 'FORMAT')).toMatch(expected);
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  test('nothing once aborted', async () => {
    const path = scratch('model.safetensors');
    const writing = writeSafetensors(path, one, none, (_, write) => write(new Uint8Array(8)), {
      signal: AbortSignal.abort(new Error('stop')),
    });
    await expect(writing).rejects.toThrow('stop');
    expect(readdirSync(dirname(path))).toEqual([]);
  });
});

/** An independent reader of the format: what another implementation sees in our files. */
const READER = `
import json, struct, sys, hashlib
raw = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', raw[:8])
header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
metadata = header.pop('__metadata__', {})
end = 0
for entry in header.values():
    assert entry['data_offsets'][0] == end
    end = entry['data_offsets'][1]
assert end == len(data) and length % 8 == 0
print(json.dumps([metadata, {name: [e['dtype'], e['shape'], list(data[slice(*e['data_offsets'])])] for name, e in header.items()}]))
`;

test.skipIf(python === undefined)('an independent reader sees the same tensors in the same order', async () => {
  const path = scratch('model.safetensors');
  const tensors = DTYPES.map((dtype, at) => tensor(`层.${at}\n"${dtype}"`, dtype, at === 0 ? [] : [at, 2]));
  await writeSafetensors(path, tensors, new Map([['a\\', '"b"']]), async (info, write) => {
    await write(new Uint8Array(info.byteLength).fill(dtypeBytes(info.dtype)));
  });
  const expected = tensors.map(({ name, dtype, shape, byteLength }) => {
    return [name, [dtype, shape, Array(byteLength).fill(dtypeBytes(dtype))]];
  });
  expect(JSON.parse(runPython(READER, path))).toEqual([{ 'a\\': '"b"' }, Object.fromEntries(expected)]);
});
