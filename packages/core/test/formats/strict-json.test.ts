import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStrictJson, type StrictJson } from '../../src/formats/strict-json.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function toMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toMaps);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, entry]) => [key, toMaps(entry)]));
}

test('reads what JSON.parse reads, of integers', () => {
  const integer = fc.maxSafeInteger().map((value) => value + 0);
  const key = fc.string({ unit: 'grapheme' });
  const { tree } = fc.letrec((tie) => ({
    leaf: fc.oneof(integer, key, fc.boolean(), fc.constant(null)),
    tree: fc.oneof({ maxDepth: 5 }, tie('leaf'), fc.array(tie('tree')), fc.dictionary(key, tie('tree'))),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      expect(parseStrictJson(bytes(JSON.stringify(value, null, indent)))).toEqual(toMaps(value));
    }),
  );
});

test('any bytes give a value or a SyntaxError of one line', () => {
  const piece = fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '1', '-', 'true', 'null', '\\ud800', ' ', 'é');
  const texts = fc.array(piece).map((pieces) => bytes(pieces.join('')));
  fc.assert(
    fc.property(fc.oneof(texts, fc.uint8Array()), (input) => {
      try {
        parseStrictJson(input);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
        expect((error as Error).message).not.toContain('\n');
      }
    }),
    { numRuns: 2000 },
  );
});

test('a key called __proto__ is a key', () => {
  const value = parseStrictJson(bytes('{"__proto__":1}')) as ReadonlyMap<string, StrictJson>;
  expect([...value]).toEqual([['__proto__', 1]]);
});

test('long strings and long spaces are read', () => {
  const text = 'x'.repeat(3_000_000);
  expect(parseStrictJson(bytes(`${' '.repeat(3_000_000)}"${text}"`))).toBe(text);
});

describe('refuses', () => {
  test.each([
    ['nothing', ''],
    ['a key that is there twice', '{"a":1,"a":1}'],
    ['a key that is there twice, once escaped', '{"a":1,"\\u0061":1}'],
    ['an integer of 2^53', '9007199254740992'],
    ['a fraction', '1.0'],
    ['an exponent', '1e3'],
    ['a negative zero', '-0'],
    ['a leading zero', '01'],
    ['a trailing comma', '[1,]'],
    ['a comment', '[1]//'],
    ['a second value', '1 1'],
    ['an unknown word', 'NaN'],
    ['an unpaired surrogate', '"\\ud800"'],
    ['a line break in a string', '"\n"'],
    ['an unknown escape', '"\\x"'],
    ['an unended string', '"a'],
    ['a byte order mark', '\ufeff1'],
    ['17 levels', '['.repeat(18) + ']'.repeat(18)],
  ])('%s', (_, text) => {
    expect(() => parseStrictJson(bytes(text))).toThrow(SyntaxError);
  });

  test('bytes that are no UTF-8', () => {
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/UTF-8/);
  });
});
