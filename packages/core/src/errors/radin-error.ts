import { escapeControls } from './quote.js';

/** What a caller can act on. Every code means "the input or the configuration", never a bug of this library. */
export type RadinErrorCode =
  /** A file or folder cannot be opened, read or written as asked: missing, no permission, not a regular file, disk full. */
  | 'FILE'
  /** A file's bytes break the rules of its format, or use a part of the format that is not supported. */
  | 'FORMAT'
  /** Checkpoints that do not form a pool or a soup: names, shapes or dtypes differ, NaN weights, too few models. */
  | 'POOL'
  /** Inputs, labels or logits that do not fit each other: lengths, dtypes, labels out of range. */
  | 'DATA'
  /** The graph does not fit the checkpoints or the data, or must not be run. */
  | 'GRAPH'
  /** An option, a flag or a `radin.yaml` that is out of range or contradicts another. */
  | 'CONFIG'
  /** An evaluation failed or gave logits that cannot be scored. */
  | 'EVALUATION'
  /** A soup is not what is recorded of it. */
  | 'PROVENANCE'
  /** The backend asked for is unknown or not available on this machine. */
  | 'BACKEND';

/**
 * An error that the user can repair. Its message is one line: what was expected, what was found, in which file and tensor.
 * Control characters in the message, which may come from file and tensor names, are escaped.
 */
export class RadinError extends Error {
  override readonly name = 'RadinError';
  readonly code: RadinErrorCode;

  constructor(code: RadinErrorCode, message: string, options?: ErrorOptions) {
    super(escapeControls(message), options);
    this.code = code;
  }
}
