import { refuse } from './pickle-values.js';

/** Names of modules and classes are far shorter. */
const LONGEST_LINE = 1024;

const NEWLINE = '\n'.charCodeAt(0);

/** The arguments of a pickle's opcodes, one after the other. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #frameEnd = 0;
  /** Of the next byte. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next bytes are a frame, at whose end an operation ends: Python's readers take what reaches over it for different things. */
  frame(length: number): void {
    if (this.at < this.#frameEnd) refuse('frames one after the other', 'one within another');
    const start = this.#step(length);
    this.#frameEnd = this.at;
    this.at = start;
  }

  uint8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#step(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  /** Rounded above 2^53, which is more than any pickle has. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#step(8), true));
  }

  /** Big-endian, as pickles have it. */
  float64(): number {
    return this.#view.getFloat64(this.#step(8), false);
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    const start = this.#step(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return this.#decode(this.take(length));
  }

  /** A text that ends with a line feed, which is not part of it. */
  line(): string {
    const length = this.#bytes.subarray(this.at, this.at + LONGEST_LINE).indexOf(NEWLINE);
    if (length < 0) refuse(`a name of less than ${LONGEST_LINE} bytes`, 'a longer one, or the end');
    return this.#decode(this.take(length + 1).subarray(0, length));
  }

  /** A signed little-endian number; a bigint above 2^53. */
  long(length: number): number | bigint {
    const hex = Buffer.from(this.take(length)).reverse().toString('hex');
    const value = length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${hex}`));
    const near = Number(value);
    return Number.isSafeInteger(near) ? near : value;
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) refuse('text in UTF-8', 'other bytes');
      throw error;
    }
  }

  #step(length: number): number {
    const start = this.at;
    if (length > this.#bytes.byteLength - start) {
      refuse(`${length} more bytes`, `the end after ${this.#bytes.byteLength - start}`);
    }
    if (start < this.#frameEnd && start + length > this.#frameEnd) {
      refuse('a frame of whole operations', 'one that reaches over its end');
    }
    this.at = start + length;
    return start;
  }
}
