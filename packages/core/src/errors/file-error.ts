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

function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  const [name, meaning] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  if (name !== undefined) return `${meaning} (${name})`;
  // Node's own refusal of a path with a NUL byte has no errno.
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a path that no file can have' : undefined;
}
