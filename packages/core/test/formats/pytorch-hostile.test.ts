import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RadinError } from '../../src/errors/index.js';
import { openPyTorch } from '../../src/formats/pytorch-reader.js';
import {
  dictPickle,
  long,
  pickle,
  type TensorSpec,
  tensorPickle,
  text,
  writeBytes,
  writePyTorch,
} from './pytorch-files.js';
import { refuses } from './pytorch-refusals.js';
import { scratch } from './scratch.js';
import { zipOf } from './zip-files.js';

const PARAMETER = 'ctorch._utils\n_rebuild_parameter\n';
const ORDERED_DICT = 'ccollections\nOrderedDict\n';
const repeated = (part: string, times: number) => Buffer.from(part.repeat(times), 'latin1');
const short = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;
const uint64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

describe('a pickle is refused', () => {
  test.each<[string, () => Buffer, RegExp]>([
    ['that calls os.system by REDUCE', () => pickle('cos\nsystem\n(', text('true'), 'tR'), /the global "os\.system"/],
    [
      'that calls it by the name of its module',
      () => pickle('cposix\nsystem\n(', text('true'), 'tR'),
      /"posix\.system"/,
    ],
    [
      'that finds it by STACK_GLOBAL',
      () => pickle(short('os'), short('system'), '\x93(', text('true'), 'tR'),
      /"os\.system"/,
    ],
    ['that calls it by INST', () => pickle('(', text('true'), 'ios\nsystem\n'), /"os\.system"/],
    ['that calls it by OBJ', () => pickle('(cos\nsystem\n', text('true'), 'o'), /"os\.system"/],
    ['that calls it by NEWOBJ', () => pickle('cos\nsystem\n(', text('true'), 't\x81'), /"os\.system"/],
    ['that names builtins.eval', () => pickle('cbuiltins\neval\n(', text('1'), 'tR'), /"builtins\.eval"/],
    ['that names a class of PyTorch that runs code', () => pickle('ctorch.hub\nload\n)R'), /"torch\.hub\.load"/],
    [
      'that joins names to one that is allowed',
      () => pickle(short('torch._utils'), short('_rebuild_tensor_v2.__globals__'), '\x93'),
      /__globals__"/,
    ],
    [
      'that makes an allowed class by INST',
      () => pickle('(icollections\nOrderedDict\n'),
      /an object of "collections\.OrderedDict"/,
    ],
    [
      'that makes an allowed class by OBJ',
      () => pickle(`(${ORDERED_DICT}o`),
      /an object of "collections\.OrderedDict"/,
    ],
    [
      'that makes an allowed class by NEWOBJ',
      () => pickle(`${ORDERED_DICT})\x81`),
      /an object of "collections\.OrderedDict"/,
    ],
    ['that makes an allowed class by NEWOBJ_EX', () => pickle(`${ORDERED_DICT})}\x92`), /an object of/],
    ['that makes an object of no class', () => pickle('K\x01)\x81'), /an object of a class/],
    ['that calls a type', () => pickle('ctorch\nFloatStorage\n)R'), /can be called/],
    ['that calls a tensor', () => pickle(tensorPickle(), ')R'), /can be called but found an object/],
    ['that calls with a list', () => pickle(`${ORDERED_DICT}]R`), /tuple of arguments/],
    ['that sets the state of a tensor', () => pickle(tensorPickle(), '}b'), /state of dicts only/],
    ['that sets the state of a function', () => pickle('ctorch._utils\n_rebuild_tensor_v2\n}b'), /state of dicts only/],
    ['that sets what is no state', () => pickle(`${ORDERED_DICT})R`, text('x'), 'b'), /a dict of attributes as state/],
    [
      'that has a float for a size',
      () => {
        const two = long(2).toString('latin1');
        const whole = tensorPickle().toString('latin1').replace(two, 'G@\0\0\0\0\0\0\0');
        return pickle(whole);
      },
      /an integer .* for the shape of a tensor but found the float 2/,
    ],
    ['that appends to a dict', () => pickle('}K\x01a'), /a list to append to/],
    ['that fills a tuple', () => pickle(')K\x01K\x02s'), /a dict to fill/],
    [
      'that has a key twice',
      () => pickle('}(', text('a'), 'N', text('a'), 'Nu'),
      /key of a dict once but found "a" twice/,
    ],
    ['that has a key without a value', () => pickle('}(', text('a'), 'u'), /key without a value/],
    ['that has text in no UTF-8', () => pickle('X\x02\0\0\0\xff\xfe'), /UTF-8/],
    ['of protocol 0', () => pickle("(dS'a'\nI1\ns"), /0x53/],
    [
      'that refers to a thing outside that is no storage',
      () => pickle(text('file:///etc/passwd'), 'Q'),
      /reference to a storage/,
    ],
    [
      'that refers to a storage of another class',
      () => pickle('(', text('storage'), 'ctorch\nSize\n', text('0'), text('cpu'), 'K\x06tQ'),
      /torch\.Size/,
    ],
    ['whose value is no dict', () => pickle(tensorPickle()), /a state dict but found an object/],
    ['that pops from an empty stack', () => pickle('0'), /a value on the stack/],
    ['that pops below a mark', () => pickle('N(0'), /a value on the stack/],
    ['that has no mark', () => pickle('Nt'), /a mark/],
    ['that recalls what it has not remembered', () => pickle('h\x07'), /value 7 of the memo/],
    ['that ends in a text', () => pickle('X\xff\xff\xff\x7f', 'abc'), /2147483647 more bytes/],
    ['that ends in a text of 2^63 bytes', () => pickle('\x8d', uint64(2n ** 63n)), /more bytes/],
    ['that has a number of 2 GiB', () => pickle('\x8b\xff\xff\xff\x7f'), /numbers of at most 255 bytes/],
    ['that has a number of negative length', () => pickle('\x8b\xff\xff\xff\xff'), /numbers of at most 255 bytes/],
    ['that has a global without an end', () => pickle('c', 'a'.repeat(5000)), /a name of less than/],
    ['whose frame is longer than it', () => pickle('\x95', uint64(100n), '}'), /100 more bytes/],
    ['whose frame ends within a text', () => pickle('\x95', uint64(4n), text('abc')), /reaches over its end/],
    ['whose frame ends within a name', () => pickle('\x95', uint64(8n), ORDERED_DICT), /reaches over its end/],
    [
      'whose frame ends before the end of a line',
      () => pickle('\x95', uint64(12n), ORDERED_DICT, ')R'),
      /reaches over its end/,
    ],
    [
      'whose frame begins in another',
      () => pickle('\x95', uint64(20n), '\x95', uint64(1n), ORDERED_DICT),
      /one after the other but found one within/,
    ],
    [
      'whose parameter is no tensor',
      () => dictPickle({ w: pickle(PARAMETER, '(N\x88NtR') }),
      /a tensor for a parameter but found None/,
    ],
    [
      'whose parameter wants a gradient or not',
      () => dictPickle({ w: pickle(PARAMETER, '(', tensorPickle(), 'K\x01NtR') }),
      /True or False for requires_grad but found the number 1/,
    ],
    [
      'whose parameter of integers has a gradient',
      () => dictPickle({ w: pickle(PARAMETER, '(', tensorPickle({ type: 'IntStorage' }), '\x88NtR') }),
      /floating-point tensors only but found one of I32/,
    ],
    ['that reads beyond its end', () => pickle('J\x01'), /more bytes|the end/],
  ])('%s', async (_, body, message) => {
    await refuses(writePyTorch(body()), message);
  });

  test('and nothing is called', async () => {
    const made = scratch('called');
    await refuses(writePyTorch(pickle('cos\nsystem\n(', text(`touch ${made}`), 'tR')), /os\.system/);
    expect(existsSync(made)).toBe(false);
  });

  const LAUGHS = pickle(
    ')',
    ...Array.from({ length: 200 }, (_, at) => `q${String.fromCharCode(at)}h${String.fromCharCode(at)}\x86`),
  );

  test.each<[string, () => Buffer, RegExp]>([
    ['with a stack of millions', () => repeated('N', 2e6), /a stack of at most/],
    ['with millions of marks', () => repeated('(', 2e6), /marks/],
    ['with millions of empty dicts', () => repeated('}0', 5e5), /at most 2097152 objects/],
    ['with millions of empty lists', () => repeated(']0', 2.2e6), /objects/],
    ['with millions of texts', () => repeated('\x8c\x000', 2.2e6), /objects/],
    [
      'with a place of the memo that is far away',
      () => pickle('Nr\xff\xff\xff\xff'),
      /place 0 of the memo to be next but found 4294967295/,
    ],
    ['with millions of memos in turn', () => pickle('N', repeated('\x94', 2.2e6)), /objects/],
    ['that nests a million tuples', () => pickle(')', repeated('\x85', 1e6)), /a state dict but found a tuple|objects/],
    ['that nests a million lists', () => repeated(']', 1.1e6), /stack/],
    ['whose tuple has 2^200 leaves', () => LAUGHS, /a state dict but found a tuple/],
    [
      'whose dict holds itself',
      () => pickle('}q\0', text('state_dict'), 'h\0s'),
      /without one, with the keys "state_dict"/,
    ],
    [
      'whose list holds itself a million times',
      () => pickle(']q\0(', repeated('h\0', 5e5), 'e'),
      /a state dict but found a list/,
    ],
    ['that grows a list from one value', () => pickle(']q\0', repeated(`(${'h\0'.repeat(16)}e`, 2e5)), /objects/],
    [
      'that calls with one long list again and again',
      () => pickle(']q\0(', repeated('N', 1e6), 'e', repeated(`${ORDERED_DICT}h\0\x85R0`, 1e4)),
      /pairs/,
    ],
    ['larger than any', () => repeated('N0', 9e6), /at most 16777216 bytes/],
    ['with nothing but work', () => repeated('N0', 4e6), /a value on the stack/],
    ['with nothing but other work', () => repeated('(1', 4e6), /a value on the stack/],
  ])('%s', async (_, body, message) => {
    await refuses(writePyTorch(body()), message);
  });
});

describe('a tensor is refused', () => {
  test.each<[string, TensorSpec, RegExp]>([
    ['that reaches outside', { offset: 1 }, /within the 24 bytes of its storage but found one that ends at byte 28/],
    ['that begins outside', { offset: 2 ** 52, shape: [], strides: [] }, /within the 24 bytes/],
    ['whose strides reach outside', { strides: [4, 1] }, /ends at byte 28 .*strides \[4, 1\]/],
    ['whose strides overflow', { strides: [2 ** 53 - 1, 2 ** 53 - 1] }, /within the 24 bytes/],
    ['of negative size', { shape: [-2, 3] }, /the shape of a tensor but found the number -2/],
    ['of negative strides', { strides: [-3, 1] }, /the strides of a tensor but found the number -3/],
    ['at a negative offset', { offset: -1 }, /the offset of a tensor/],
    ['of a size above 2^53', { shape: [2n ** 60n, 3] }, /from 0 to 2\^53/],
    ['whose sizes overflow', { shape: [2 ** 40, 2 ** 40], strides: [0, 0] }, /fewer than 2\^53 bytes/],
    [
      'that repeats one number 10^12 times',
      { shape: [1e6, 1e6], strides: [0, 0] },
      /tensors of at most 67108864 bytes in a file/,
    ],
    ['whose strides are of other dimensions', { strides: [1] }, /2 strides but found 1/],
    ['of 65 dimensions', { shape: Array(65).fill(1), strides: Array(65).fill(1) }, /at most 64 dimensions/],
    [
      'whose storage is larger than its entry',
      { count: 7 },
      /storage of 28 bytes but found an entry "m\/data\/0" of 24/,
    ],
    ['whose storage is smaller than its entry', { count: 5 }, /storage of 20 bytes/],
    ['whose storage is of negative size', { count: -1 }, /the count of storage "0"/],
    ['whose storage has 2^62 elements', { count: 2n ** 62n }, /the count of storage "0"/],
    ['whose storage is not there', { key: '1' }, /an entry "m\/data\/1" but found none/],
    ['whose storage is another file', { key: '../../../etc/passwd' }, /but found none/],
    ['of quantised numbers', { type: 'QInt8Storage' }, /"torch\.QInt8Storage"/],
    ['of untyped numbers', { type: 'ComplexDoubleStorage' }, /"torch\.ComplexDoubleStorage"/],
  ])('%s', async (_, spec, message) => {
    await refuses(writePyTorch(dictPickle({ w: tensorPickle(spec) })), message);
  });
});

test.each([
  ['_rebuild_tensor', /_rebuild_tensor with 4 arguments but found 6/],
  ['_rebuild_tensor_v3', /_rebuild_tensor_v3 with 7 or 8 arguments but found 6/],
  ['_rebuild_parameter', /_rebuild_parameter with 3 arguments but found 6/],
])('a call of %s with arguments of _rebuild_tensor_v2 is refused', async (name, message) => {
  const bytes = Buffer.from(dictPickle({ w: tensorPickle({}) }));
  const renamed = bytes.toString('latin1').replace('_rebuild_tensor_v2', name);
  await refuses(writePyTorch(Buffer.from(renamed, 'latin1')), message);
});

describe('whatever the bytes', () => {
  const FIXTURE = readFileSync(new URL('./fixtures/pytorch/training.pt', import.meta.url));
  const WEIGHTS = pickle(
    ORDERED_DICT,
    ')R(',
    text('w'),
    tensorPickle(),
    text('x'),
    'ctorch._utils\n_rebuild_parameter\n(',
    tensorPickle({ shape: [3, 2], strides: [1, 3] }),
    '\x88NtRu',
  );
  const OPCODES = [...'(012NKMJGXUTCB)]}telaedsuhjqrcQRbio.'].map((character) => character.charCodeAt(0));
  const opcode = fc.oneof(
    fc.constantFrom(
      ...OPCODES,
      0x80,
      0x81,
      0x85,
      0x86,
      0x87,
      0x88,
      0x89,
      0x8a,
      0x8b,
      0x8c,
      0x8f,
      0x90,
      0x91,
      0x92,
      0x93,
      0x94,
      0x95,
    ),
    fc.integer({ min: 0, max: 255 }),
  );

  /** A file is read, with all its tensors, or refused in one line; nothing else is thrown. */
  async function isReadOrRefused(path: string): Promise<void> {
    try {
      const file = await openPyTorch(path);
      try {
        for (const { name, byteLength } of file.tensors) {
          await file.check?.(name);
          await file.read(name, new Uint8Array(byteLength));
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof RadinError)) throw error;
      expect(error.message).not.toMatch(/\p{Cc}/u);
    }
  }

  test('a pickle is a value or a RadinError', async () => {
    const path = writeBytes(new Uint8Array());
    const archive = (body: Uint8Array) =>
      zipOf([
        { name: 'm/data.pkl', data: body },
        { name: 'm/data/0', data: new Uint8Array(24) },
      ]);
    const attempt = async (body: Uint8Array) => {
      writeFileSync(path, archive(body));
      await isReadOrRefused(path);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(opcode, { maxLength: 60 }), (codes) => attempt(pickle('\x80\x04', ...codes, '.'))),
      { numRuns: 400 },
    );
    const change = fc.record({ at: fc.nat(), byte: opcode, remove: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let body = pickle('\x80\x02', WEIGHTS, '.');
        for (const { at, byte, remove } of changes) {
          const start = at % body.byteLength;
          body = Buffer.concat([body.subarray(0, start), Buffer.of(byte), body.subarray(start + remove)]);
        }
        await attempt(body);
      }),
      { numRuns: 400 },
    );
  });

  test('an archive is a model or a RadinError', async () => {
    const path = writeBytes(new Uint8Array());
    const change = fc.record({
      at: fc.oneof(fc.nat(), fc.integer({ min: -1600, max: -1 })),
      byte: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(FIXTURE);
        for (const { at, byte } of changes) bytes[at < 0 ? bytes.length + at : at % bytes.length] = byte;
        writeFileSync(path, bytes);
        await isReadOrRefused(path);
      }),
      { numRuns: 300 },
    );
  });
});
