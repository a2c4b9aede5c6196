import protobuf from 'protobufjs/minimal.js';

/** Some 80,000 nodes. An empty one has two bytes in a file and 200 in memory. */
const MOST_FIELDS = 2 ** 20;
/** The heaviest, an empty tensor of two bytes, has 650 in memory. */
const MOST_MESSAGES = 2 ** 19;
/** A 64-bit number has from one byte in a file and 50 in memory; tables of any length belong into `raw_data`. */
const MOST_LONGS = 2 ** 21;

/** Reads protobuf messages whose objects take no more memory than a graph needs, besides the bytes that they share. */
export class BoundedReader extends protobuf.Reader {
  #fields = 0;
  #messages = 0;
  #longs = 0;

  override tag(): number {
    if (++this.#fields > MOST_FIELDS) throw new RangeError(`more than ${MOST_FIELDS} fields`);
    return super.tag();
  }

  /** The length of a message, a text, or bytes; those of the latter two do not count. */
  override size(): number {
    if (++this.#messages > MOST_MESSAGES) throw new RangeError(`more than ${MOST_MESSAGES} messages`);
    return super.size();
  }

  override string(): string {
    this.#messages--;
    return super.string();
  }

  override bytes(): Uint8Array {
    this.#messages--;
    return super.bytes();
  }

  override int64(): ReturnType<protobuf.Reader['int64']> {
    this.#countLong();
    return super.int64();
  }

  override uint64(): ReturnType<protobuf.Reader['uint64']> {
    this.#countLong();
    return super.uint64();
  }

  #countLong(): void {
    if (++this.#longs > MOST_LONGS) throw new RangeError(`more than ${MOST_LONGS} numbers of 64 bits`);
  }
}
