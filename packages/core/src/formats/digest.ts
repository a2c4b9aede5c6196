import { createHash } from 'node:crypto';
import type { FileSink } from './atomic-file.js';
import { withRegularFile } from './regular-file.js';

/** Bytes of a file that are read at a time. */
const WINDOW_BYTES = 4 * 2 ** 20;

export interface WrittenFile {
  /** Length of the whole file. */
  readonly bytes: number;
  /** Of the whole file, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** Length and hash of a file. Cost: one read. @throws RadinError `FILE`; the signal's reason once it is aborted */
export function digestFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<WrittenFile> {
  return digestFiles([path], options);
}

/** The same of files one after another. */
export async function digestFiles(
  paths: readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<WrittenFile> {
  const sha256 = createHash('sha256');
  let bytes = 0;
  let window = new Uint8Array(0);
  for (const path of paths) {
    // Not a stream of the path: reading a pipe or a device may never end.
    await withRegularFile(path, async (file) => {
      if (window.length < Math.min(WINDOW_BYTES, file.size)) window = new Uint8Array(Math.min(WINDOW_BYTES, file.size));
      for (let at = 0; at < file.size; at += window.length) {
        signal?.throwIfAborted();
        const part = window.subarray(0, Math.min(window.length, file.size - at));
        await file.read(part, at);
        sha256.update(part);
      }
      bytes += file.size;
    });
  }
  return { bytes, sha256: sha256.digest('hex') };
}

/** Length and hash of files one after another, as they are written. Pieces must be shorter than 2 GiB. */
export class Digest {
  readonly #sha256 = createHash('sha256');
  #bytes = 0;

  /** The same sink, whose bytes count. */
  of(sink: FileSink): FileSink {
    return {
      write: (chunk) => {
        // Threads of the system write while this one hashes.
        const written = sink.write(chunk);
        this.#sha256.update(chunk);
        this.#bytes += chunk.byteLength;
        return written;
      },
    };
  }

  result(): WrittenFile {
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
  }
}
