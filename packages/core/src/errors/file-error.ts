import { getSystemErrorMap } from 'node:util';
import { RadinError } from './radin-error.js';

/**
 * The error to throw after a file system call failed: `FILE`, one line, naming the path and the system's reason.
 * Anything that is no error of a file system call is returned as it is.
 * @param expected completes "Expected to …", e.g. `read`
 */
export function fileError(expected: string, path: string, error: unknown): unknown {
  const reason = systemReason(error);
  if (reason === undefined) return error;
  return new RadinError('FILE', `Expected to ${expected} ${path} but found: ${reason}`, { cause: error });
}

/** What the machine may refuse at any call, whatever the caller is about: disks that fail or are full, no descriptors, no memory. */
const OF_THE_MACHINE = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'ESTALE', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'];

/** Whether a system call failed for want of disk or descriptors, or by a disk's error: nothing that a caller asked for is the cause. */
export function isMachineFault(error: unknown): boolean {
  const { code = '', errno } = error as NodeJS.ErrnoException;
  return errno !== undefined && code !== 'ENOMEM' && OF_THE_MACHINE.includes(code);
}

/**
 * The error to show for one that nobody has put into words, where it says that the machine failed and not this program: a system call
 * whose disk, descriptors or memory gave out, or memory that was refused. Undefined for all others.
 */
export function machineError(error: unknown): RadinError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno, syscall, path } = error as NodeJS.ErrnoException;
  if (errno !== undefined && OF_THE_MACHINE.includes(code ?? '')) {
    return fileError(syscall ?? 'use', path ?? 'a file', error) as RadinError;
  }
  const isMemory =
    code === 'ERR_MEMORY_ALLOCATION_FAILED' ||
    /^(Array buffer allocation failed|std::bad_alloc|Not enough memory for the (arguments|work space) of the call)$/.test(
      error.message,
    );
  if (!isMemory) return undefined;
  return new RadinError('FILE', 'Expected enough memory but found none for one more array', { cause: error });
}

function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  const [name, meaning] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  if (name !== undefined) return `${meaning} (${name})`;
  // Node's own refusal of a path with a NUL byte has no errno.
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a path that no file can have' : undefined;
}
