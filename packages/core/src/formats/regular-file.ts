import { type BigIntStats, fstatSync } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { constants as systemConstants } from 'node:os';
import type { FileRange, SourceError } from '@radin/native';
import { fileError, RadinError } from '../errors/index.js';

/** One system call reads at most this much: Node refuses lengths of 2 GiB and more. */
const LARGEST_READ = 2 ** 30;

/** A regular file opened for reading. */
export interface RegularFile {
  readonly path: string;
  /** Its descriptor, for native code to read from while the file is open. */
  readonly fd: number;
  /** Bytes when it was opened. */
  readonly size: number;
  /** Fills `target` exactly from `position` on. @throws RadinError if the file has become shorter or cannot be read. */
  read(target: Uint8Array, position: number): Promise<void>;
  /** The same as long as nobody writes to the file: see `stampOf`. @throws RadinError */
  stamp(): Promise<string>;
  close(): Promise<void>;
}

/** Opens a file for reading. @throws RadinError (`FILE`) if it is missing, forbidden, a folder, pipe, socket or device, or a pointer of Git LFS. */
export async function openRegularFile(path: string): Promise<RegularFile> {
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await handle.stat();
      if (!status.isFile()) {
        const found = status.isDirectory() ? 'a folder' : 'a pipe, socket or device';
        throw new RadinError('FILE', `Expected a regular file but found ${found}: ${path}`);
      }
      const file = new OpenFile(path, status.size, handle);
      await refusePointer(file);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** What Git LFS leaves in the place of a file that was not fetched begins so, and has less than 1,024 bytes: its specification. */
const POINTER = Buffer.from('version https://git-lfs.github.com/spec/v1');
const POINTER_BYTES = 1024;

async function refusePointer(file: RegularFile): Promise<void> {
  if (file.size < POINTER.length || file.size >= POINTER_BYTES) return;
  const start = new Uint8Array(POINTER.length);
  await file.read(start, 0);
  if (!POINTER.equals(start)) return;
  throw new RadinError(
    'FILE',
    `Expected a file but found a pointer of Git LFS to it, in whose place "git lfs pull" puts the file: ${file.path}`,
  );
}

/** What tells a file from others, and from itself once it was written to: number, size and times of the last changes, in nanoseconds. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

/** The same of the file at a path, links followed; undefined where none is, or no path is given. */
export async function stampAt(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return stat(path, { bigint: true }).then(stampOf, () => undefined);
}

/** The error for a file that is no longer what it was when it was opened. */
export function changedFile(path: string, cause?: unknown): RadinError {
  return new RadinError(
    'FILE',
    `Expected a file that stays as it is but found a change while it was read: ${path}`,
    cause === undefined ? {} : { cause },
  );
}

/** Opens, uses and always closes a file. */
export async function withRegularFile<T>(path: string, use: (file: RegularFile) => Promise<T>): Promise<T> {
  const file = await openRegularFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** The bytes of a file. @throws RadinError (`FILE`) also where it has more than `most` */
export function readSmallFile(path: string, most: number): Promise<Uint8Array> {
  return withRegularFile(path, async (file) => {
    if (file.size > most) {
      throw new RadinError('FILE', `Expected a file of at most ${most} bytes but found ${file.size} in ${path}`);
    }
    const bytes = allocate(file.size, path);
    await file.read(bytes, 0);
    return bytes;
  });
}

/** New memory for `bytes` of a file, 8-byte aligned. @throws RadinError where this machine or Node cannot hold them in one piece. */
export function allocate(bytes: number, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RadinError(
      'FILE',
      `Expected data that fits into one array of this Node version but found ${bytes} bytes in ${path}`,
      { cause: error },
    );
  }
}

/** The error for a file whose range native code could not read, in the words of `RegularFile`. */
export function unreadableFile(path: string, { offset, byteLength }: FileRange, error: SourceError): RadinError {
  switch (error.problem) {
    case 'ended':
      return endedEarly(path, offset + byteLength, error.position);
    case 'changed':
      return changedFile(path, error);
    case 'unreadable': {
      const errno = -Number((systemConstants.errno as Readonly<Record<string, number>>)[error.code ?? '']);
      return fileError(
        'read',
        path,
        Object.assign(new Error(error.message, { cause: error }), { errno }),
      ) as RadinError;
    }
  }
}

/** The error for a file that ends before `expected` bytes, after `found`. */
export function endedEarly(path: string, expected: number, found: number): RadinError {
  return new RadinError(
    'FILE',
    `Expected ${expected} bytes or more but found the end of the file after ${found} in ${path}`,
  );
}

class OpenFile implements RegularFile {
  readonly #handle: FileHandle;

  constructor(
    readonly path: string,
    readonly size: number,
    handle: FileHandle,
  ) {
    this.#handle = handle;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  async read(target: Uint8Array, position: number): Promise<void> {
    let done = 0;
    while (done < target.byteLength) {
      const length = Math.min(target.byteLength - done, LARGEST_READ);
      const bytesRead = await this.#readSome(target, done, length, position + done);
      if (bytesRead === 0) {
        throw endedEarly(this.path, position + target.byteLength, position + done);
      }
      done += bytesRead;
    }
  }

  async stamp(): Promise<string> {
    try {
      // Not a promise: this is asked of every ingredient of every evaluation, and takes a thirtieth of the processor time so.
      return stampOf(fstatSync(this.#handle.fd, { bigint: true }));
    } catch (error) {
      throw fileError('read', this.path, error);
    }
  }

  async #readSome(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    for (;;) {
      try {
        return (await this.#handle.read(target, offset, length, position)).bytesRead;
      } catch (error) {
        // A signal in the middle of a read, on network disks; Node passes it on.
        if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw fileError('read', this.path, error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#handle.close().catch((error: unknown) => {
      throw fileError('read', this.path, error);
    });
  }
}
