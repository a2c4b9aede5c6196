import { Readable } from 'node:stream';
import { RandomAccessReader } from 'yauzl';
import { failFormat } from './format-error.js';
import type { RegularFile } from './regular-file.js';

/** Bytes of headers that are read at most. */
const HEADER_BYTES = 2 ** 26;

/** Headers are read in blocks: one system call for the many small reads of a directory. */
const BLOCK_BYTES = 2 ** 14;

/** Of an entry that is unpacked, in one read. */
const STREAM_BYTES = 2 ** 16;

/** Reads an archive for yauzl, whose own reader of a file throws where no one can catch it when an archive names a place of 2^63. */
export class ZipReader extends RandomAccessReader {
  readonly #file: RegularFile;
  #block: Uint8Array = new Uint8Array(0);
  #blockStart = 0;
  #allowance = HEADER_BYTES;

  constructor(file: RegularFile) {
    super();
    this.#file = file;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#blocks(start, end), { objectMode: false });
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += STREAM_BYTES) {
      const block = new Uint8Array(Math.min(STREAM_BYTES, end - at));
      await this.#file.read(block, at);
      yield block;
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#read(buffer.subarray(offset, offset + length), position).then(
      () => callback(null, length),
      (error: Error) => callback(error),
    );
  }

  async #read(target: Uint8Array, position: number): Promise<void> {
    const { size, path } = this.#file;
    const end = position + target.byteLength;
    if (end > size) failFormat('headers within the file', `one that ends at byte ${end} of ${size}`, path);
    this.#allowance -= target.byteLength;
    if (this.#allowance < 0) failFormat(`at most ${HEADER_BYTES} bytes of headers`, 'more', path);
    if (target.byteLength > BLOCK_BYTES) return this.#file.read(target, position);
    if (position < this.#blockStart || end > this.#blockStart + this.#block.byteLength) {
      const block = new Uint8Array(Math.min(BLOCK_BYTES, size - position));
      await this.#file.read(block, position);
      this.#block = block;
      this.#blockStart = position;
    }
    target.set(this.#block.subarray(position - this.#blockStart, end - this.#blockStart));
  }
}
