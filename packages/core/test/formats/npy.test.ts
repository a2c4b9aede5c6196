import { constants } from 'node:buffer';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RadinError } from '../../src/errors/index.js';
import { type Dtype, dtypeBytes, tensorBytes } from '../../src/formats/dtype.js';
import { type NpyArray, readNpy, readNpyHeader, writeNpy } from '../../src/formats/npy.js';
import { python, refusal, runPython, scratch } from './scratch.js';

const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const CODES: ReadonlyMap<string, Dtype> = new Map([
  ['b1', 'BOOL'],
  ['u1', 'U8'],
  ['i1', 'I8'],
  ['u2', 'U16'],
  ['i2', 'I16'],
  ['u4', 'U32'],
  ['i4', 'I32'],
  ['u8', 'U64'],
  ['i8', 'I64'],
  ['f2', 'F16'],
  ['f4', 'F32'],
  ['f8', 'F64'],
]);

/** 0, 1, 2, … as elements of a type; booleans are 0, 1, 1, … */
function counting(dtype: Dtype, count: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(count * dtypeBytes(dtype)));
  const half = [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500];
  for (let at = 0; at < count; at++) {
    if (dtype === 'F64') view.setFloat64(8 * at, at, true);
    else if (dtype === 'F32') view.setFloat32(4 * at, at, true);
    else if (dtype === 'F16') view.setUint16(2 * at, half[at] as number, true);
    else view.setUint8(at * dtypeBytes(dtype), dtype === 'BOOL' ? Math.min(at, 1) : at);
  }
  return new Uint8Array(view.buffer);
}

function build(header: string, data: number, version = 1): string {
  const path = scratch('array.npy');
  const length = version === 1 ? Buffer.alloc(2) : Buffer.alloc(4);
  length.writeUInt16LE(header.length);
  writeFileSync(
    path,
    Buffer.concat([
      Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, 'latin1'),
      length,
      Buffer.from(header, 'latin1'),
      Buffer.alloc(data),
    ]),
  );
  return path;
}

const header = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

describe('reads what NumPy wrote', () => {
  const names = readdirSync(FIXTURES).filter((name) => /^(little|big)-/.test(name));
  test.each(names)('%s', async (name) => {
    const dtype = CODES.get(name.slice(-6, -4)) as Dtype;
    const array = await readNpy(FIXTURES + name);
    expect(array).toMatchObject({ path: FIXTURES + name, dtype, shape: [2, 3] });
    expect(array.data).toEqual(counting(dtype, 6));
    expect(array.data.byteOffset % 8).toBe(0);
  });

  test.each<[string, Dtype, number[]]>([
    ['version-2', 'F32', [2, 3]],
    ['version-3', 'F32', [2, 3]],
    ['scalar', 'F64', []],
    ['empty', 'I32', [3, 0, 2]],
    ['vector', 'I32', [5]],
    ['fortran-column', 'F32', [4, 1]],
    ['fortran', 'F32', [2, 3]],
  ])('%s', async (name, dtype, shape) => {
    const path = `${FIXTURES}${name}.npy`;
    const array = await readNpy(path);
    expect(array).toMatchObject({ dtype, shape });
    expect(array.data).toEqual(
      counting(
        dtype,
        shape.reduce((product, size) => product * size, 1),
      ),
    );
    expect(await readNpyHeader(path)).toEqual({ path, dtype, shape });
  });

  test.each([
    ['objects', /"\|O" \(Python objects\)/],
    ['strings', /"<U1" \(strings\)/],
    ['byte-strings', /"\|S1" \(byte strings\)/],
    ['complex', /"<c8" \(complex numbers\)/],
    ['dates', /"<M8\[D\]" \(dates\)/],
    ['structured', /a structured dtype/],
  ])('or refuses it: %s', async (name, expected) => {
    expect(await refusal(readNpy(`${FIXTURES}refused-${name}.npy`), 'FORMAT')).toMatch(expected);
  });
});

test('keys in any order, either quotes and no spaces are read', async () => {
  const path = build(`{"shape":(2,3),"fortran_order":False,"descr":"<u2"}`, 12, 2);
  expect(await readNpyHeader(path)).toEqual({ path, dtype: 'U16', shape: [2, 3] });
});

describe('refuses', () => {
  test.each<[string, string, number, RegExp]>([
    ['no dictionary', '[1]\n', 0, /dictionary/],
    ['a missing key', `{'descr': '<f4', 'shape': (), }\n`, 4, /dictionary/],
    ['an unknown key', `{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1, }\n`, 4, /dictionary/],
    [
      'a key that is there twice',
      `{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}\n`,
      4,
      /dictionary/,
    ],
    ['text after the dictionary', `${header("'<f4'", '()')}x`, 4, /dictionary/],
    ['an expression', header("'<f' + '4'", '()'), 4, /dictionary/],
    ['a number as shape', header("'<f4'", '(1)'), 4, /dictionary/],
    ['a shape with a gap', header("'<f4'", '(1,,1)'), 4, /dictionary/],
    ['a negative size', header("'<f4'", '(-1,)'), 4, /dictionary/],
    ['a size above 2^53', header("'<f4'", '(9007199254740993,)'), 4, /below 2\^53/],
    ['more bytes than 2^53', header("'<f8'", '(4294967296, 4294967296)'), 4, /more than 2\^53/],
    ['65 dimensions', header("'<f4'", `(${'1, '.repeat(65)})`), 4, /64 dimensions/],
    ['native byte order', header("'=f4'", '()'), 4, /"=f4"/],
    ['no byte order', header("'|f4'", '()'), 4, /"\|f4"/],
    ['an unknown type', header("'<f3'", '()'), 4, /"<f3"/],
    ['missing bytes', header("'<f4'", '(2,)'), 7, /8 bytes of data .* 7/],
    ['trailing bytes', header("'<f4'", '(2,)'), 9, /8 bytes of data .* 9/],
  ])('%s', async (_, text, data, expected) => {
    const path = build(text, data);
    expect(await refusal(readNpyHeader(path), 'FORMAT')).toMatch(expected);
    expect(await refusal(readNpy(path), 'FORMAT')).toContain(path);
  });

  test.each([
    ['an empty file', '', /NumPy/],
    ['another file', 'PK\x03\x04 and more than that', /NumPy/],
    ['version 4', '\x93NUMPY\x04\0\0\0\0\0', /found 4\.0/],
    ['a cut length', '\x93NUMPY\x02\0\0\0', /the end of the file/],
    ['a header longer than the file', '\x93NUMPY\x01\0\x09\0{}', /at most 2 bytes/],
  ])('%s', async (_, content, expected) => {
    const path = scratch('array.npy');
    writeFileSync(path, content, 'latin1');
    expect(await refusal(readNpy(path), 'FORMAT')).toMatch(expected);
  });

  test.skipIf(constants.MAX_LENGTH > 2 ** 33)('an array that this Node version cannot hold', async () => {
    const path = build(header("'|u1'", '(5368709120,)'), 0);
    truncateSync(path, readFileSync(path).byteLength + 5368709120);
    expect(await readNpyHeader(path)).toMatchObject({ shape: [5368709120] });
    expect(await refusal(readNpy(path), 'FILE')).toContain('5368709120 bytes');
  });
});

test('any bytes give an array or a RadinError', async () => {
  const path = scratch('any.npy');
  const piece = fc.constantFrom(
    ...`{ } ( ) [ , : 'descr' 'fortran_order' 'shape' '<f4' '|O' True False 1 2 \n`.split(' '),
  );
  const text = fc.array(piece).map((pieces) => pieces.join(''));
  /** Mostly what stands there, and any pieces. */
  const or = (...usual: readonly string[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, text);
  const dictionary = fc
    .tuple(
      or("'<f4'", "'|u1'", "'|O'", "'<c8'"),
      or('True', 'False'),
      or('()', '(2)', '(2,)', '(1, 2)', `(${'9'.repeat(20)},)`),
    )
    .map(([descr, order, shape]) => `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`);
  const framed = fc
    .oneof(text, dictionary)
    .map((body) => Buffer.from(`\x93NUMPY\x01\0${String.fromCharCode(body.length % 256)}\0${body}`, 'latin1'));
  const run = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(path, bytes);
    const found = await readNpy(path).catch((error: unknown) => error);
    if (found instanceof Error) expect(found).toBeInstanceOf(RadinError);
    else expect((found as NpyArray).data).toBeInstanceOf(Uint8Array);
  };
  await fc.assert(fc.asyncProperty(fc.oneof(framed, fc.uint8Array()), run), { numRuns: 1000 });
});

describe('writes', () => {
  test('what it reads back', async () => {
    const path = scratch('array.npy');
    const run = async (dtype: Dtype, shape: number[]): Promise<void> => {
      const data = new Uint8Array(tensorBytes(dtype, shape) as number).map((_, at) => at * 37);
      await writeNpy(path, dtype, shape, data);
      expect(await readNpy(path)).toEqual({ path, dtype, shape, data });
      expect((readFileSync(path).byteLength - data.byteLength) % 64).toBe(0);
    };
    const shapes = fc.array(fc.nat(4), { maxLength: 5 });
    await fc.assert(fc.asyncProperty(fc.constantFrom(...CODES.values()), shapes, run), { numRuns: 60 });
  });

  test('no type that NumPy does not have', async () => {
    const path = scratch('array.npy');
    expect(await refusal(writeNpy(path, 'BF16', [1], new Uint8Array(2)), 'FORMAT')).toContain('BF16');
    await expect(writeNpy(path, 'F32', [1], new Uint8Array(2))).rejects.toThrow(RangeError);
  });

  test.skipIf(python === undefined)('what NumPy reads', async () => {
    const folder = dirname(scratch('arrays'));
    for (const [code, dtype] of CODES) await writeNpy(join(folder, code), dtype, [2, 3], counting(dtype, 6));
    const program = `
import os, sys, numpy
arrays = {code: numpy.load(os.path.join(sys.argv[1], code)) for code in os.listdir(sys.argv[1])}
assert len(arrays) == 12
for code, array in arrays.items():
    expected = numpy.arange(6).reshape(2, 3).astype('<' + code)
    assert array.dtype == expected.dtype and array.shape == (2, 3) and (array == expected).all(), code`;
    expect(runPython(program, folder)).toBe('');
  });
});
