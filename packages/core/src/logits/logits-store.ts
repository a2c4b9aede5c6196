import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../cache/index.js';
import { fileError } from '../errors/index.js';
import { type Logits, type StoredLogits, storedInMemory } from './logits.js';

/** One system call writes at most this much: Node refuses lengths of 2 GiB and more. */
const LARGEST_WRITE = 2 ** 30;

export interface LogitsStoreOptions {
  /** N. */
  readonly models: number;
  /** Bytes that the logits of all models may take in memory. Where they are more, none are. */
  readonly mostBytes: number;
  /** Where the file is made that the logits go to instead. It should be on a disk: a file in memory saves nothing. */
  readonly folder: string;
}

/**
 * Keeps the logits of a pool's models until it is closed: in memory where they all fit, else in one temporary file that has no
 * name, so that nothing is left of it whatever ends the process. Results are the same to the bit.
 */
export class LogitsStore {
  readonly #options: LogitsStoreOptions;
  #file: Promise<FileHandle> | undefined;
  /** Bytes of one model's logits, all models' being alike. */
  #bytes: number | undefined;

  constructor(options: LogitsStoreOptions) {
    this.#options = options;
  }

  /** @param model its index @throws RadinError (`FILE`) where the file cannot be made or written */
  async keep(model: number, logits: Logits): Promise<StoredLogits> {
    const stored = storedInMemory(logits);
    const bytes = stored.source as Uint8Array;
    this.#bytes ??= bytes.byteLength;
    const { models, mostBytes, folder } = this.#options;
    // Logits of another shape than the other models' are an error, which comes where all are put together.
    if (this.#bytes * models <= mostBytes || bytes.byteLength !== this.#bytes) return stored;
    const digest = await sha256(bytes);
    this.#file ??= nameless(folder);
    try {
      const file = await this.#file;
      const offset = model * bytes.byteLength;
      await writeAll(file, bytes, offset);
      const source = { fd: file.fd, offset, byteLength: bytes.byteLength };
      return { ...stored, source, path: `a temporary file in ${folder}`, digest };
    } catch (error) {
      throw fileError('keep the logits of the models, which --max-memory leaves no room for, in', folder, error);
    }
  }

  async close(): Promise<void> {
    const file = await this.#file?.catch(() => undefined);
    this.#file = undefined;
    await file?.close();
  }
}

/** A new file that goes with its descriptor. */
async function nameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `.radin-${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(path, 'wx+', 0o600);
  // Systems that do not let go of the name of an open file keep it until the next `cache prune`.
  await rm(path, { force: true }).catch(() => undefined);
  return file;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
    done += (await file.write(bytes, done, length, position + done)).bytesWritten;
  }
}
