import { type BigIntStats, fstat, read } from 'node:fs';
import { promisify } from 'node:util';
import type { FileRange, Source } from './backend.js';
import { SourceError } from './source-error.js';

const readFile = promisify(read);
const stampOf = promisify<number, { bigint: true }, BigIntStats>(fstat);

/** The reference's way to a source's bytes, memory or file alike. The twin of src/cpu/source.cc. */
export class SourceReader {
  private constructor(
    private readonly source: Source,
    private readonly index: number,
    private readonly stamp: BigIntStats | undefined,
  ) {}

  /** @param index the source's number among those of its call, for errors */
  static async open(source: Source, index: number): Promise<SourceReader> {
    if (source instanceof Uint8Array) return new SourceReader(source, index, undefined);
    return new SourceReader(source, index, await stampIn(source, index));
  }

  /** Bytes [begin, end) of the source. @throws SourceError */
  async read(begin: number, end: number): Promise<Uint8Array> {
    if (this.source instanceof Uint8Array) return this.source.subarray(begin, end);
    const bytes = new Uint8Array(end - begin);
    for (let done = 0; done < bytes.length; ) {
      const position = this.source.offset + begin + done;
      const { bytesRead } = await readFile(this.source.fd, bytes, done, bytes.length - done, position).catch(
        unreadable(this.index, position),
      );
      if (bytesRead === 0) throw new SourceError(this.index, position, 'ended');
      done += bytesRead;
    }
    return bytes;
  }

  /** To be called after the last read. @throws SourceError where the file has changed since it was opened */
  async finish(): Promise<void> {
    if (this.source instanceof Uint8Array) return;
    const now = await stampIn(this.source, this.index);
    if (now.size !== this.stamp?.size || now.mtimeNs !== this.stamp.mtimeNs) {
      throw new SourceError(this.index, this.source.offset, 'changed');
    }
  }
}

function stampIn({ fd, offset }: FileRange, index: number): Promise<BigIntStats> {
  return stampOf(fd, { bigint: true }).catch(unreadable(index, offset));
}

function unreadable(index: number, position: number): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw new SourceError(index, position, 'unreadable', error.code);
  };
}
