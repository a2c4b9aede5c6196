import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openArray, openNpzArrays, readArray } from '../../src/formats/index.js';
import { refused, temporaryFolder } from '../files.js';
import { npy, type ZipEntry, zip } from '../zip.js';

const folder = temporaryFolder();
let files = 0;

function write(entries: readonly ZipEntry[]): string {
  const path = join(folder, `${files++}.npz`);
  writeFileSync(path, zip(entries));
  return path;
}

const values = Float32Array.from({ length: 100_000 }, (_, at) => Math.sin(at));
const array = npy('<f4', [1000, 100], values);
const bytesOf = (typed: ArrayBufferView) => new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);

describe('an array in an archive', () => {
  test.each([[false], [true]])('is read by its name, deflated: %s', async (deflated) => {
    const path = write([
      { name: 'x.npy', bytes: array, deflated },
      { name: 'y.npy', bytes: npy('<i8', [2], BigInt64Array.of(3n, 4n)), deflated },
    ]);
    const found = await readArray(`${path}:x`);
    expect({ ...found, data: undefined }).toEqual({
      path: `${path}:x`,
      dtype: 'F32',
      shape: [1000, 100],
      data: undefined,
    });
    expect(Buffer.compare(found.data, bytesOf(values))).toBe(0);
    expect((await readArray(`${path}:y`)).data).toEqual(bytesOf(BigInt64Array.of(3n, 4n)));
    const names: string[] = [];
    for await (const [name, array] of openNpzArrays(path)) {
      expect(await array.read()).toEqual((await readArray(`${path}:${name}`)).data);
      names.push(name);
    }
    expect(names).toEqual(['x', 'y']);
  });

  test('needs no name where it is the only one', async () => {
    expect((await readArray(write([{ name: 'a/b.npy', bytes: array }]))).shape).toEqual([1000, 100]);
  });

  test('is asked for by name where there are several, and the names are listed', async () => {
    const path = write(['a', 'b'].map((name) => ({ name: `${name}.npy`, bytes: array })));
    await expect(readArray(path)).rejects.toEqual(
      refused('FORMAT', /one array, or its name .*:NAME, but found "a", "b" in/),
    );
    await expect(readArray(`${path}:c`)).rejects.toEqual(refused('FORMAT', /an array "c" but found "a", "b" in/));
    await expect(readArray(write([]))).rejects.toEqual(refused('FORMAT', /but found none in/));
  });

  test('may be big-endian', async () => {
    const path = write([{ name: 'x.npy', bytes: npy('>i2', [2], Uint8Array.of(1, 2, 3, 4)), deflated: true }]);
    expect((await readArray(path)).data).toEqual(Uint8Array.of(2, 1, 4, 3));
  });
});

const hasNumpy = spawnSync('/usr/bin/python3', ['-c', 'import numpy']).status === 0;

test.skipIf(!hasNumpy)('archives that NumPy wrote are read as they are (skipped without python3-numpy)', async () => {
  const script = [
    'import sys, numpy as n',
    'a = n.arange(60000, dtype="f8").reshape(100, 600); b = n.array([True, False])',
    'arrays = {"a": a, "b": b, "f": n.asfortranarray(a.reshape(100, 20, 30).astype(">f4")), "": n.float64(3)}',
    'n.savez(sys.argv[1] + "/s.npz", **arrays); n.savez_compressed(sys.argv[1] + "/c.npz", **arrays)',
  ];
  execFileSync('/usr/bin/python3', ['-c', script.join('\n'), folder]);
  for (const name of ['s', 'c']) {
    const path = join(folder, `${name}.npz`);
    const { shape, data } = await readArray(`${path}:a`);
    expect(shape).toEqual([100, 600]);
    expect(Buffer.compare(data, bytesOf(Float64Array.from({ length: 60000 }, (_, at) => at)))).toBe(0);
    expect((await readArray(`${path}:b`)).data).toEqual(Uint8Array.of(1, 0));
    const bigEndianInFortranOrder = await readArray(`${path}:f`);
    expect(bigEndianInFortranOrder.shape).toEqual([100, 20, 30]);
    expect(
      Buffer.compare(bigEndianInFortranOrder.data, bytesOf(Float32Array.from({ length: 60000 }, (_, at) => at))),
    ).toBe(0);
    expect((await readArray(`${path}:`)).data).toEqual(bytesOf(Float64Array.of(3)));
  }
});

describe('hostile archives are refused in one line', () => {
  const zeros = npy('<f4', [4], new Float32Array(4));
  const bomb = Buffer.concat([zeros, Buffer.alloc(2 ** 26)]);
  const claims = (bytes: number) => npy('<f4', [bytes / 4], new Float32Array(4));
  test.each<[string, readonly ZipEntry[], RegExp]>([
    [
      'a bomb that says so',
      [{ name: 'x.npy', bytes: bomb, deflated: true }],
      /at most 100 bytes for each packed one but found 67109008 for 65310 in .*"x\.npy"/,
    ],
    [
      'a bomb that says it is small',
      [{ name: 'x.npy', bytes: bomb, deflated: true, lies: { size: zeros.length } }],
      /too many bytes in the stream/,
    ],
    [
      'a header that claims more than the entry',
      [{ name: 'x.npy', bytes: claims(2 ** 31), deflated: true }],
      /2147483648 bytes of data .* but found 16 in/,
    ],
    [
      'a length that claims more than there is',
      [{ name: 'x.npy', bytes: claims(2 ** 20), deflated: true, lies: { size: 128 + 2 ** 20 } }],
      /not enough bytes in the stream/,
    ],
    [
      'more than any array can have',
      [{ name: 'x.npy', bytes: zeros, deflated: true, lies: { size: 0xfffffffe } }],
      /not enough bytes|bytes of data|bytes for each packed one/,
    ],
    ['Python objects', [{ name: 'x.npy', bytes: npy('|O', [1], new Uint8Array(8)) }], /dtype "\|O" \(Python objects\)/],
    ['an encrypted entry', [{ name: 'x.npy', bytes: zeros, deflated: true, lies: { flags: 1 } }], /an encrypted one/],
    ['another compression', [{ name: 'x.npy', bytes: zeros, deflated: true, lies: { method: 12 } }], /found method 12/],
    [
      'two entries of one name',
      [
        { name: 'x.npy', bytes: zeros },
        { name: 'x', bytes: zeros },
      ],
      /different names but found two called "x"/,
    ],
    ['a wrong checksum', [{ name: 'x.npy', bytes: zeros, lies: { crc32: 1 } }], /the archive's checksum/],
    ['a name outside of it', [{ name: '../x.npy', bytes: zeros }], /invalid relative path/],
    [
      'another name in the entry',
      [{ name: 'x.npy', bytes: zeros, lies: { localName: 'y.npy' } }],
      /name and the method/,
    ],
  ])('%s', async (_, entries, message) => {
    const path = write(entries);
    const start = performance.now();
    await expect(readArray(path)).rejects.toEqual(refused('FORMAT', message));
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test.each([2n ** 62n, 2n ** 63n, 2n ** 64n - 1n])('a directory whose 64-bit end is at byte %d', async (place) => {
    const whole = zip([{ name: 'x.npy', bytes: zeros }]);
    const locator = Buffer.alloc(20);
    locator.write('PK\x06\x07', 'latin1');
    locator.writeBigUInt64LE(place, 8);
    locator.writeUInt32LE(1, 16);
    const path = join(folder, 'far.npz');
    writeFileSync(path, Buffer.concat([whole.subarray(0, -22), locator, whole.subarray(-22)]));
    await expect(readArray(path)).rejects.toEqual(
      refused('FORMAT', /headers within the file but found one that ends at/),
    );
  });

  test('a cut archive, and what is no archive', async () => {
    const whole = zip([{ name: 'x.npy', bytes: array, deflated: true }]);
    for (const bytes of [whole.subarray(0, 1000), whole.subarray(0, -1), Buffer.from('not a zip')]) {
      const path = join(folder, 'cut.npz');
      writeFileSync(path, bytes);
      await expect(readArray(path)).rejects.toEqual(refused('FORMAT', /whole NumPy archive \(\.npz\) in .*cut\.npz/));
    }
  });

  test('a flipped bit in the data', async () => {
    const bytes = zip([{ name: 'x.npy', bytes: array }]);
    bytes[200_000] = (bytes[200_000] as number) ^ 1;
    const path = join(folder, 'flipped.npz');
    writeFileSync(path, bytes);
    await expect(readArray(path)).rejects.toEqual(refused('FORMAT', /checksum/));
    await (await openArray(path)).close();
  });
});
