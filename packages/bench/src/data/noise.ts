const TABLE_SIZE = 1 << 16;

/**
 * Gaussian noise at a few nanoseconds a value, because benchmarks need gigabytes of it: an xorshift generator whose 16-bit
 * halves choose from a table of normally distributed numbers.
 */
export class Noise {
  static readonly #table = normalTable();
  #state: number;

  constructor(seed: number) {
    // Any seed but 0, at which xorshift stays; the multiplier spreads small seeds over the bits.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let i = 0; i < 8; i++) this.#next();
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return (this.#next() >>> 0) % bound;
  }

  gauss(): number {
    return Noise.#table[this.#next() >>> 16] as number;
  }

  /** out[i] = base[i] + deviation · noise; a base that is left out is 0. `out` may be `base`. */
  fill(out: Float32Array, deviation: number, base?: Float32Array): void {
    const table = Noise.#table;
    let state = this.#state;
    const even = out.length & ~1;
    for (let i = 0; i < even; i += 2) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const first = deviation * (table[state & 0xffff] as number);
      const second = deviation * (table[state >>> 16] as number);
      out[i] = base === undefined ? first : (base[i] as number) + first;
      out[i + 1] = base === undefined ? second : (base[i + 1] as number) + second;
    }
    this.#state = state;
    if (even < out.length) out[even] = (base?.[even] ?? 0) + deviation * this.gauss();
  }

  #next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state;
  }
}

/** By Box and Muller's transform of an even grid of radii and a golden-ratio sequence of angles. */
function normalTable(): Float32Array {
  const table = new Float32Array(TABLE_SIZE);
  for (let i = 0; i < TABLE_SIZE; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((i + 1) / TABLE_SIZE));
    const angle = 2 * Math.PI * ((i * 0.6180339887498949) % 1);
    table[i] = radius * Math.cos(angle);
    table[i + 1] = radius * Math.sin(angle);
  }
  return table;
}
