import type { Random } from '@radin/core';
import { below, INTEGERS, of, unsigned } from './choice.js';

export const NUMBERS = [
  '-1',
  '-0',
  '0',
  '1',
  '2',
  '7',
  '8',
  '64',
  '65',
  '255',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9223372036854775807',
  '18446744073709551616',
  '1e9',
  '1.5',
  '0x10',
  '00',
  'NaN',
  '1'.repeat(400),
];
export const TEXTS = [
  '',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '/dev/zero',
  '..',
  '.',
  'a/../b',
  '\\\\host\\x',
  'con:',
  '\\u0000',
  '\0',
  '\u202e',
  '\ufeff',
  '\u001b[2J',
  '\ud83d\ude00',
  'ä',
  '\r\n',
  'x'.repeat(5_000),
  '%s%n',
  '*/_ORT_MEM_ADDR_/*',
  '!!js/function',
  '&a',
  '*a',
  '<<',
  '{',
  '[',
  '"',
  '}',
];
type Change = (bytes: Buffer, random: Random) => Buffer;

const splice = (bytes: Buffer, from: number, to: number, ...put: readonly Uint8Array[]) =>
  Buffer.concat([bytes.subarray(0, from), ...put, bytes.subarray(to)]);

function replaced(pattern: RegExp, values: readonly string[]): Change {
  return (bytes, random) => {
    const found = [...bytes.toString('latin1').matchAll(pattern)];
    if (found.length === 0) return bytes;
    const { index, 0: text } = of(random, found);
    return splice(bytes, index, index + text.length, Buffer.from(of(random, values)));
  };
}

const CHANGES: readonly Change[] = [
  (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  (bytes, random) => {
    const at = below(random, bytes.length);
    return splice(bytes, at, at + 1, Buffer.of((bytes[at] ?? 0) ^ (1 << below(random, 8))));
  },
  (bytes, random) => {
    const at = below(random, bytes.length);
    return splice(bytes, at, at + 1, Buffer.of(below(random, 256)));
  },
  (bytes, random) => {
    const width = of(random, [1, 2, 4, 8]);
    const at = below(random, bytes.length);
    return splice(bytes, at, at + width, unsigned(of(random, INTEGERS), width));
  },
  (bytes, random) => {
    const at = below(random, bytes.length);
    return splice(bytes, at, at + 1 + below(random, 40));
  },
  (bytes, random) => {
    const from = below(random, bytes.length);
    const at = below(random, bytes.length);
    return splice(bytes, at, at, bytes.subarray(from, from + 1 + below(random, 200)));
  },
  (bytes, random) => {
    const at = below(random, bytes.length);
    return splice(bytes, at, at, Buffer.from(of(random, [...TEXTS, ...NUMBERS])));
  },
  (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + below(random, 64), below(random, 256))]),
  replaced(/\d+/g, NUMBERS),
  replaced(/[A-Za-z_][\w.]*/g, TEXTS),
  replaced(/[[\]{}(),:'"]/g, ['', '[', ']', '{', '}', '(', ')', ',', ':', '"', "'", '[[', ',,']),
];

/** The bytes with one to three changes: cut, spliced, with other numbers and names, fields that lie. */
export function mutant(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let left = 1 + below(random, 3); left > 0; left--) changed = of(random, CHANGES)(changed, random);
  return changed;
}
