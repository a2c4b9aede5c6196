import { writeSync } from 'node:fs';
import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FileLock, lockFile } from '@radin/native';
import { fileError, RadinError } from '../errors/index.js';
import { synchroniseFolder } from '../formats/index.js';
import { encodeLine, LineReader, NO_CHECK } from './lines.js';
import type { JournalRecord } from './record.js';

/** Bytes read at a time. */
const WINDOW_BYTES = 2 ** 20;

/** The file of a journal, open and locked for this process, if a lock is to be had. */
export class JournalFile {
  readonly #handle: FileHandle;
  /** Bytes of whole lines, behind which the next one goes. */
  #end = 0;
  #check = NO_CHECK;
  /** Why nothing is written any more: behind half a line, a whole one would be damage. */
  #failure: unknown;
  #syncing: Promise<void> | undefined;
  #unsynced = false;

  private constructor(
    readonly path: string,
    handle: FileHandle,
    readonly lock: FileLock,
  ) {
    this.#handle = handle;
  }

  /**
   * @param create whether to make it where it is missing
   * @returns undefined where it is missing
   * @throws RadinError where another process has the lock, which it names, or it is no file that can be read and written, or one that is
   *   another one too, by a symbolic or hard link: it is written in place
   */
  static async open(path: string, create: boolean): Promise<JournalFile | undefined> {
    const { O_RDWR, O_CREAT, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
    const flags = O_RDWR | O_NONBLOCK | O_NOFOLLOW | (create ? O_CREAT : 0);
    const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !create) return undefined;
      if (error.code === 'ELOOP') throw notOnlyHere(path, 'a symbolic link');
      throw fileError('write', path, error);
    });
    if (handle === undefined) return undefined;
    try {
      const status = await handle.stat();
      if (!status.isFile()) {
        throw new RadinError('FILE', `Expected a regular file but found a pipe, socket or device: ${path}`);
      }
      if (status.nlink > 1) throw notOnlyHere(path, 'a hard link');
      const lock = lockFile(handle.fd);
      const file = new JournalFile(path, handle, lock);
      if (lock.kind === 'taken') throw await taken(file);
      return file;
    } catch (error) {
      await handle.close();
      throw fileError('read', path, error);
    }
  }

  /**
   * Gives every record to `use`, and gets ready to append behind the last whole line.
   * @returns bytes behind that, of a line that was not written to its end
   * @throws RadinError naming the first line that is damaged, or that is not of a journal
   */
  async read(use: (record: JournalRecord) => void): Promise<number> {
    const reader = new LineReader(this.path);
    const window = Buffer.alloc(WINDOW_BYTES);
    for (let position = 0; ; ) {
      const { bytesRead } = await this.#attempt('read', () => this.#handle.read(window, 0, window.length, position));
      if (bytesRead === 0) break;
      for (const record of reader.read(window.subarray(0, bytesRead))) use(record);
      position += bytesRead;
    }
    this.#end = reader.wholeBytes;
    this.#check = reader.check;
    return reader.end();
  }

  /** Gets ready to begin with a first line. */
  clear(): void {
    this.#end = 0;
    this.#check = NO_CHECK;
  }

  /** Takes away all behind the last whole line that was read; all lines where none was. @throws RadinError */
  async truncate(): Promise<void> {
    await this.#attempt('write', () => this.#handle.truncate(this.#end));
    this.#unsynced = true;
  }

  /**
   * Appends one line. What is written survives the end of this process at once, and soon, as `synced` tells, that of the machine: the
   * disk takes all lines together that came while it was busy. @throws RadinError where the disk does not take it, nor then any other
   */
  append(record: JournalRecord): void {
    if (this.#failure !== undefined) throw this.#failure;
    const { line, check } = encodeLine(record, this.#check);
    try {
      // Not a promise: lines keep their order without a queue, and memory takes some hundred bytes in microseconds.
      for (let done = 0; done < line.length; ) {
        done += writeSync(this.#handle.fd, line, done, line.length - done, this.#end + done);
      }
    } catch (error) {
      this.#failure = fileError('write', this.path, error);
      throw this.#failure;
    }
    this.#end += line.length;
    this.#check = check;
    this.#unsynced = true;
    // Its failure is that of the next line, and of `synced`.
    this.#sync().catch(() => {});
  }

  /** Resolves when all that was appended is on disk. @throws RadinError */
  async synced(): Promise<void> {
    while (this.#unsynced || this.#syncing !== undefined) await this.#sync();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Makes sure that the file is found after a power cut. @throws RadinError */
  async syncFolder(): Promise<void> {
    await this.#attempt('write', () => synchroniseFolder(dirname(this.path)));
  }

  /** Closes the file, and with that gives the lock back. @param remove whether to remove it before */
  async close(remove: boolean): Promise<void> {
    try {
      await this.#syncing?.catch(() => {});
      if (remove) await this.#attempt('remove', () => rm(this.path, { force: true }));
    } finally {
      await this.#handle.close();
    }
  }

  #sync(): Promise<void> {
    this.#syncing ??= this.#syncOnce().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  async #syncOnce(): Promise<void> {
    while (this.#unsynced && this.#failure === undefined) {
      this.#unsynced = false;
      try {
        await this.#handle.datasync();
      } catch (error) {
        // What the system could not write may be lost: it says so once only.
        this.#failure = fileError('write', this.path, error);
        throw this.#failure;
      }
    }
  }

  async #attempt<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw fileError(what, this.path, error);
    }
  }
}

function notOnlyHere(path: string, found: string): RadinError {
  return new RadinError('FILE', `Expected a file of its own, which is written in place, but found ${found}: ${path}`);
}

/** The error for a journal that another process has, with what its last `start` says of that. */
async function taken(file: JournalFile): Promise<RadinError> {
  let by = 'another process';
  try {
    await file.read((record) => {
      if (record.record === 'start') by = `process ${record.pid} on ${record.host}, which began at ${record.time},`;
    });
  } catch (error) {
    // It is being written to, or damaged, which is for its owner to find.
    if (!(error instanceof RadinError)) throw error;
  }
  return new RadinError(
    'FILE',
    `Expected a run folder that no other process works in but found that ${by} does: ${file.path}`,
  );
}
