import fc from 'fast-check';
import { expect, it } from 'vitest';
import { streamMemory } from '../lib/stream.js';

/** The sum of the 32-bit words, the last one completed with zeros. */
function wordSum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, index) => (sum + byte * 2 ** (8 * (index % 4))) % 2 ** 32, 0);
}

it('reads every byte and writes every byte, whatever the sizes, the alignment and the threads', async () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 262_000, max: 263_000 }));
  const arrays = fc.array(fc.record({ size, offset: fc.integer({ min: 0, max: 70 }) }), { maxLength: 3 });
  const property = fc.asyncProperty(arrays, arrays, fc.integer({ min: 1, max: 3 }), async (reads, writes, threads) => {
    const read = reads.map(({ size, offset }, index) =>
      Uint8Array.from({ length: offset + size }, (_, i) => (i * 167 + index) % 251).subarray(offset),
    );
    const padded = writes.map(({ size, offset }) => new Uint8Array(offset + size + 9).fill(7));
    const write = padded.map((array, index) => array.subarray(writes[index]?.offset, -9));
    const sum = await streamMemory({ read, write }, { threads });
    expect(sum).toBe(read.reduce((total, bytes) => (total + wordSum(bytes)) % 2 ** 32, 0));
    for (const [index, array] of padded.entries()) {
      const { size, offset } = writes[index] as { size: number; offset: number };
      expect(array.every((byte, i) => byte === (i < offset || i >= offset + size ? 7 : 0))).toBe(true);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

it('is rejected when its signal aborts', async () => {
  const reason = new Error('enough');
  const read = Array<Uint8Array>(3_000).fill(new Uint8Array(64_000_000));
  const controller = new AbortController();
  const outcome = streamMemory({ read, write: [] }, { signal: controller.signal }).catch((error) => error);
  setTimeout(() => controller.abort(reason), 50);
  expect(await outcome).toBe(reason);
});
