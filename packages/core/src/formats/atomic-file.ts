import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileError, RadinError } from '../errors/index.js';
import { finished, unfinishedIn } from './unfinished.js';

/** One system call writes at most this much: Node refuses lengths of 2 GiB and more. */
const LARGEST_WRITE = 2 ** 30;

/** Where the bytes of a file go, in order. */
export interface FileSink {
  /** Appends; await it before the next call and before `bytes` changes. @throws the signal's reason once it is aborted. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface WriteOptions {
  /** Aborting leaves the path as it was. */
  readonly signal?: AbortSignal;
}

/** A file that is on disk under a temporary name beside its path. */
export interface StagedFile<T> {
  readonly path: string;
  /** What `produce` returned. */
  readonly produced: T;
  /** Takes the path's place. @throws RadinError */
  commit(): Promise<void>;
  /** Removes the temporary file, if it is still there and the disk lets us. */
  discard(): Promise<void>;
}

/**
 * Writes a file wholly or not at all: into a temporary file in the same folder, which takes the path's place after its bytes
 * are on disk and is removed on any failure. Whatever was at `path` stays readable until then.
 * @returns what `produce` returned
 * @throws RadinError (`FILE`) where the folder is missing, forbidden or full, or `path` is no regular file; whatever `produce` throws
 */
export async function writeFileAtomically<T>(
  path: string,
  produce: (sink: FileSink) => Promise<T>,
  options: WriteOptions = {},
): Promise<T> {
  const staged = await stageFile(path, produce, options);
  try {
    options.signal?.throwIfAborted();
    await staged.commit();
    return staged.produced;
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** The first half of `writeFileAtomically`, for files that only make sense together. @throws as that */
export async function stageFile<T>(
  path: string,
  produce: (sink: FileSink) => Promise<T>,
  options: WriteOptions = {},
): Promise<StagedFile<T>> {
  options.signal?.throwIfAborted();
  const target = await replaceable(path);
  const temporary = unfinishedIn(dirname(target));
  const handle = await open(temporary, 'wx').catch((error: unknown) => {
    finished(temporary);
    throw fileError('write', path, error);
  });
  // What failed before is what there is to say; a disk that does not even remove files leaves this one.
  const discard = () =>
    unlink(temporary)
      .catch(() => undefined)
      .finally(() => finished(temporary));
  try {
    const produced = await writeAndClose(handle, path, produce, options);
    const commit = async () => {
      try {
        await rename(temporary, target);
        finished(temporary);
        await synchroniseFolder(dirname(target));
      } catch (error) {
        throw fileError('write', path, error);
      }
    };
    return { path, produced, commit, discard };
  } catch (error) {
    await discard();
    throw fileError('write', path, error);
  }
}

/** Writes a text as UTF-8, wholly or not at all. @throws RadinError as `writeFileAtomically` */
export function writeTextAtomically(path: string, text: string, options: WriteOptions = {}): Promise<void> {
  return writeFileAtomically(path, (sink) => sink.write(new TextEncoder().encode(text)), options);
}

/** The path to replace: links are followed, and devices such as `/dev/null` must not be replaced by a file. */
export async function replaceable(path: string): Promise<string> {
  try {
    const status = await stat(path);
    if (!status.isFile())
      throw new RadinError('FILE', `Expected to write a regular file but found something else: ${path}`);
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw fileError('write', path, error);
  }
}

async function writeAndClose<T>(
  handle: FileHandle,
  path: string,
  produce: (sink: FileSink) => Promise<T>,
  { signal }: WriteOptions,
): Promise<T> {
  try {
    const result = await produce({
      async write(bytes) {
        signal?.throwIfAborted();
        try {
          await writeAll(handle, bytes);
        } catch (error) {
          throw fileError('write', path, error);
        }
      },
    });
    await handle.sync();
    return result;
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - done, LARGEST_WRITE);
    done += (await handle.write(bytes, done, length)).bytesWritten;
  }
}

/** Puts the names in a folder on disk: without this, a power cut can undo a renaming. Windows has no such call for folders. @throws the system's error */
export async function synchroniseFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
