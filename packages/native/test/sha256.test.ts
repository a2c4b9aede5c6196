import { createHash } from 'node:crypto';
import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canHashTensors, hashTensors, SourceError } from '../lib/index.js';
import { inScratchFolder } from './scratch.js';

const scratch = inScratchFolder();
const MEBIBYTE = 2 ** 20;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Around blocks, and around what is read at a time. */
const length = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: MEBIBYTE - 70, max: MEBIBYTE + 70 }));

describe.skipIf(!canHashTensors())('hashes of tensors', () => {
  it('are those of a cryptographic library, in memory and in files, whatever the lengths and threads', async () => {
    const tensor = fc.record({ length, offset: fc.integer({ min: 0, max: 9 }), inFile: fc.boolean() });
    const threads = fc.integer({ min: 1, max: 4 });
    const path = join(scratch.folder, 'bytes');
    const bytes = Uint8Array.from({ length: MEBIBYTE + 100 }, (_, at) => (at * 167 + (at >> 9)) % 251);
    await writeFile(path, bytes);
    const file = await open(path);
    const property = fc.asyncProperty(fc.array(tensor, { maxLength: 5 }), threads, async (tensors, threads) => {
      const parts = tensors.map(({ length, offset }) => bytes.subarray(offset, offset + length));
      const requests = tensors.map(({ length, offset, inFile }, at) => ({
        source: inFile ? { fd: file.fd, offset, byteLength: length } : (parts[at] as Uint8Array),
      }));
      expect(await hashTensors(requests, { threads })).toEqual(
        parts.map((part) => ({ sha256: sha256(part), firstNaN: -1 })),
      );
    });
    await fc.assert(property, { numRuns: 40 });
    await file.close();
  });

  it.each([
    ['F16', 2, 0x7c01n, 0xfc00n],
    ['BF16', 2, 0xff81n, 0x7f80n],
    ['F32', 4, 0x7f800001n, 0xff800000n],
    ['F64', 8, 0xfff0000000000001n, 0x7ff0000000000000n],
  ] as const)('find the first NaN of %s, and infinities are none', async (dtype, size, nan, infinity) => {
    const bytes = Buffer.alloc(MEBIBYTE + 3 * size);
    const put = (element: number, bits: bigint) => {
      for (let byte = 0; byte < size; byte++) bytes[element * size + byte] = Number((bits >> BigInt(8 * byte)) & 255n);
    };
    put(5, infinity);
    const clean = await hashTensors([{ source: new Uint8Array(bytes), dtype }]);
    const last = MEBIBYTE / size + 1;
    put(last, nan);
    put(last + 1, nan);
    const [whole, untyped] = await hashTensors([
      { source: new Uint8Array(bytes), dtype },
      { source: new Uint8Array(bytes) },
    ]);
    expect([clean[0]?.firstNaN, whole?.firstNaN, untyped?.firstNaN]).toEqual([-1, last, -1]);
    expect(whole?.sha256).toBe(sha256(bytes));
  });

  it('name the file that ends early', async () => {
    const path = join(scratch.folder, 'short');
    await writeFile(path, new Uint8Array(100));
    const file = await open(path);
    await truncate(path, 90);
    const outcome = hashTensors([
      { source: new Uint8Array(3) },
      { source: { fd: file.fd, offset: 0, byteLength: 100 } },
    ]);
    const error = await outcome.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ source: 1, position: 90, problem: 'ended' });
    await file.close();
  });

  it('are given up when the signal aborts', async () => {
    const reason = new Error('enough');
    const source = new Uint8Array(64 * MEBIBYTE);
    const controller = new AbortController();
    const outcome = hashTensors(Array(200).fill({ source }), { signal: controller.signal }).catch((error) => error);
    setTimeout(() => controller.abort(reason), 30);
    expect(await outcome).toBe(reason);
  });
});
