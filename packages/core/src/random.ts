/**
 * Seeded random numbers: the counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). A seed gives the same numbers on every machine and thread count.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Largest seed: seeds are the integers that a double holds exactly. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** Upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  // `middle` and the next sum stay below 2^33, exact in a double; only then are they cut to 32 bits.
  const carry = (middle % 0x10000) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** One block of Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Numbers of one seed that must not depend on each other come from different streams. */
export const STREAMS = { candidates: 0, holdOut: 1, racingOrder: 2, winnersCurse: 3, explanation: 4 } as const;

/** A stream of random numbers, determined by its seed and its number. */
export class Random {
  readonly #key: readonly [number, number];
  readonly #stream: number;
  #block = 0;
  #words: readonly number[] = [];
  #next = 0;

  /** @param seed an integer in [0, 2^53) @param stream an integer in [0, 2^32) */
  constructor(seed: number, stream: number = STREAMS.candidates) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`Expected a seed between 0 and ${MAX_SEED} but received ${seed}`);
    }
    this.#key = [seed >>> 0, Math.floor(seed / 0x100000000)];
    this.#stream = stream;
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    if (this.#next === this.#words.length) {
      this.#words = philox4x32([this.#block >>> 0, Math.floor(this.#block / 0x100000000), this.#stream, 0], this.#key);
      this.#block++;
      this.#next = 0;
    }
    return this.#words[this.#next++] as number;
  }

  /** A uniform integer in [0, bound), without bias: draws past the largest multiple of `bound` are thrown away. */
  below(bound: number): number {
    const limit = 0x100000000 - (0x100000000 % bound);
    for (;;) {
      const draw = this.uint32();
      if (draw < limit) return draw % bound;
    }
  }

  /** A uniform permutation of the integers [0, count) (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, at) => at);
    for (let at = count - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [order[at], order[other]] = [order[other] as number, order[at] as number];
    }
    return order;
  }

  /** A uniform subset of `size` of the integers [0, count), ascending (Floyd's algorithm: `size` draws). */
  subset(count: number, size: number): number[] {
    const chosen = new Set<number>();
    for (let last = count - size; last < count; last++) {
      const draw = this.below(last + 1);
      chosen.add(chosen.has(draw) ? last : draw);
    }
    return [...chosen].sort((a, b) => a - b);
  }
}
