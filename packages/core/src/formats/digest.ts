import { createHash } from 'node:crypto';
import type { FileSink } from './atomic-file.js';
import { withRegularFile } from './regular-file.js';
import type { WrittenFile } from './safetensors-writer.js';

/** Bytes of a file that are read at a time. */
const WINDOW_BYTES = 4 * 2 ** 20;

/** Length and hash of a file. Cost: one read. @throws RadinError `FILE`; the signal's reason once it is aborted */
export function digestFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<WrittenFile> {
  return withRegularFile(path, async (file) => {
    const sha256 = createHash('sha256');
    const window = new Uint8Array(Math.min(WINDOW_BYTES, file.size));
    for (let at = 0; at < file.size; at += window.length) {
      options.signal?.throwIfAborted();
      const part = window.subarray(0, Math.min(window.length, file.size - at));
      await file.read(part, at);
      sha256.update(part);
    }
    return { bytes: file.size, sha256: sha256.digest('hex') };
  });
}

/** Length and hash of files one after another, as they are written. Pieces must be shorter than 2 GiB. */
export class Digest {
  readonly #sha256 = createHash('sha256');
  #bytes = 0;

  /** The same sink, whose bytes count. */
  of(sink: FileSink): FileSink {
    return {
      write: (chunk) => {
        this.#sha256.update(chunk);
        this.#bytes += chunk.byteLength;
        return sink.write(chunk);
      },
    };
  }

  result(): WrittenFile {
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
  }
}
