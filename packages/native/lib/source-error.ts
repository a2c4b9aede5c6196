import { getSystemErrorName } from 'node:util';

/** What a backend reports of a source that could not be read, as src/napi/job.cc hands it over. */
interface SourceFailure {
  readonly source: number;
  readonly position: number;
  readonly errno: number;
}

/** RadinSourceFailure in src/kernels.h. */
const ENDED_EARLY = 0;
const CHANGED = -1;

/** A file that was to be read ended early, changed while it was read, or could not be read. */
export class SourceError extends Error {
  override readonly name = 'SourceError';

  constructor(
    /** Index among the call's sources, in the order in which its request lists them. */
    readonly source: number,
    /** Bytes from the file's start. */
    readonly position: number,
    readonly problem: 'ended' | 'changed' | 'unreadable',
    /** Such as `EIO`, for `unreadable`. */
    readonly code?: string,
  ) {
    const found = { ended: 'its end', changed: 'a change while it was read', unreadable: `${code}` }[problem];
    super(`Expected a readable file for source ${source} but found ${found} at byte ${position}`);
  }

  /** The error for a raw failure; undefined for any other error. */
  static from(error: unknown): SourceError | undefined {
    if (typeof error !== 'object' || error === null || !('source' in error)) return undefined;
    const { source, position, errno } = error as SourceFailure;
    if (errno === ENDED_EARLY) return new SourceError(source, position, 'ended');
    if (errno === CHANGED) return new SourceError(source, position, 'changed');
    return new SourceError(source, position, 'unreadable', getSystemErrorName(-errno));
  }
}
