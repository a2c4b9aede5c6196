import type { Random } from '@radin/core';

/** An integer below `count`, which is at least 1; 0 for none. */
export const below = (random: Random, count: number): number => (count === 0 ? 0 : random.uint32() % count);

export const of = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

/** True once in `times`. */
export const once = (random: Random, times: number): boolean => below(random, times) === 0;

/** Integers at which readers go wrong: bounds of their types, and what overflows. */
export const INTEGERS: readonly bigint[] = [
  0n,
  1n,
  2n,
  3n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Bytes of an unsigned integer, cut to the width. */
export function unsigned(value: bigint, width: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, width);
}

/** A value near to `value`, or one of the integers above. */
export function lie(random: Random, value: number | bigint): bigint {
  const near = BigInt(value) + of(random, [-8n, -1n, 1n, 2n, 4n, 8n, BigInt(value)]);
  return once(random, 2) ? near : of(random, INTEGERS);
}
