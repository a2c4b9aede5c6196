import { createHash } from 'node:crypto';
import type { FileSink } from './atomic-file.js';
import type { WrittenFile } from './safetensors-writer.js';

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
