import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileError, machineError, quote, RadinError } from '../../src/errors/index.js';

test('a message is one line, whatever the names in it', () => {
  const error = new RadinError('FILE', 'Expected a file but found none: a\nb\u001b[31m\u202e.npy');
  expect(error.message).toBe('Expected a file but found none: a\\nb\\u{1b}[31m\\u{202e}.npy');
  expect(error).toMatchObject({ name: 'RadinError', code: 'FILE' });
});

test('a quoted name has no control characters, stays escaped once and is short', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1000 }), (name) => {
      const quoted = quote(name);
      expect(quoted).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(quoted.length).toBeLessThanOrEqual(203);
      expect(quote('plain.weight')).toBe('"plain.weight"');
    }),
  );
  expect(quote('a"b\\c')).toBe('"a\\"b\\\\c"');
});

test('what the machine refuses is an error in one line, and a bug is none of its', () => {
  const failure = Object.assign(new Error('x'), { code: 'EIO', errno: -5, syscall: 'realpath', path: 'a.npy' });
  expect(machineError(failure)).toMatchObject({ message: 'Expected to realpath a.npy but found: i/o error (EIO)' });
  expect(machineError(Object.assign(failure, { code: 'ENOENT', errno: -2 }))).toBeUndefined();
  expect(machineError(new TypeError('a bug'))).toBeUndefined();
});

test('errors that are none of the file system pass unchanged', () => {
  const bug = new TypeError('a bug');
  expect(fileError('read', 'a.npy', bug)).toBe(bug);
});
