import { randomUUID } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, rmSync, unlinkSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileError } from '../errors/index.js';

/** Where Linux keeps files in memory. */
const MEMORY_FOLDER = '/dev/shm';

/** Linux's flag for a file that never has a name, which Node does not name. */
const NAMELESS = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR;

/** What file systems without such files say. */
const WITHOUT_NAMELESS = ['EOPNOTSUPP', 'EISDIR', 'EINVAL', 'ENOENT'];

/** One system call writes at most this much: Node refuses lengths of 2 GiB and more. */
const LARGEST_WRITE = 2 ** 30;

/** Files that have a name, which the end of this process takes away. */
const named = new Set<string>();

const writePart = promisify(write);

/**
 * A file without a name, for bytes that this process shares with those that it starts or that do not fit into memory. It ends
 * with this process, however that ends. Elsewhere than on Linux, which shows open files of a process to others of the same
 * user, it has a name until it is closed or the process exits.
 */
export class TemporaryFile {
  #open = true;

  private constructor(
    /** By which other processes of this user open it, as long as it is open here. */
    readonly path: string,
    readonly fd: number,
    private readonly name: string | undefined,
  ) {}

  /**
   * @param kind `memory`: in memory where the system has such files, which may be small (`ENOSPC`); `disk`: in the system's folder for temporary files
   * @throws RadinError (`FILE`)
   */
  static open(kind: 'memory' | 'disk'): TemporaryFile {
    const folders = kind === 'memory' && process.platform === 'linux' ? [MEMORY_FOLDER, tmpdir()] : [tmpdir()];
    let failure: unknown;
    for (const folder of folders) {
      const path = join(folder, `radin-${randomUUID()}`);
      try {
        if (process.platform === 'linux') {
          const fd = openNameless(folder) ?? openUnlinked(path);
          return new TemporaryFile(`/proc/${process.pid}/fd/${fd}`, fd, undefined);
        }
        const fd = openSync(path, 'wx+', 0o600);
        if (named.size === 0) process.once('exit', removeNamed);
        named.add(path);
        return new TemporaryFile(path, fd, path);
      } catch (error) {
        failure = fileError('write', path, error);
      }
    }
    throw failure;
  }

  /** Writes all of `bytes`. @throws Error of the file system, such as `ENOSPC` */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
      done += (await writePart(this.fd, bytes, done, length, position + done)).bytesWritten;
    }
  }

  status(): BigIntStats {
    return fstatSync(this.fd, { bigint: true });
  }

  /** May be called again. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
    if (this.name === undefined) return;
    named.delete(this.name);
    rmSync(this.name, { force: true });
    if (named.size === 0) process.off('exit', removeNamed);
  }
}

/** Undefined where the folder's file system has no such files. @throws the system's error */
function openNameless(folder: string): number | undefined {
  try {
    return openSync(folder, NAMELESS, 0o600);
  } catch (error) {
    if (WITHOUT_NAMELESS.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** A file that has a name for a moment: a process that is killed in it leaves the file. @throws the system's error */
function openUnlinked(path: string): number {
  const fd = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function removeNamed(): void {
  for (const path of named) rmSync(path, { force: true });
}
