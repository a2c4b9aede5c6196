import { type BigIntStats, fstat, read } from 'node:fs';
import { promisify } from 'node:util';
import type { FileRange, Source } from './backend.js';
import { SourceError } from './source-error.js';

const readAt = promisify(read);
const status = promisify(fstat) as (fd: number, options: { bigint: true }) => Promise<BigIntStats>;

/** Node refuses to read 2 GiB or more at once. */
const LARGEST_READ = 2 ** 30;

/**
 * The bytes of a source, whole in memory.
 * @param index of the source among the call's, for its error
 * @throws SourceError where a file ends early, cannot be read or changes meanwhile
 */
export async function readSource(source: Source, index: number): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  const { fd, offset, byteLength } = source;
  const bytes = new Uint8Array(byteLength);
  try {
    const before = await status(fd, { bigint: true });
    for (let done = 0; done < byteLength; ) {
      const length = Math.min(byteLength - done, LARGEST_READ);
      const { bytesRead } = await readAt(fd, bytes, done, length, offset + done);
      if (bytesRead === 0) throw new SourceError(index, offset + done, 'ended');
      done += bytesRead;
    }
    const after = await status(fd, { bigint: true });
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) throw new SourceError(index, offset, 'changed');
  } catch (error) {
    throw unreadable(error, source, index);
  }
  return bytes;
}

function unreadable(error: unknown, { offset }: FileRange, index: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof SourceError || code === undefined
    ? error
    : new SourceError(index, offset, 'unreadable', code);
}
