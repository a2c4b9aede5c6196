import type { FileRange, SourceError } from '@radin/native';
import type { RadinError } from '../errors/index.js';
import type { TensorInfo } from './dtype.js';

/** Fills `target` with elements of a tensor from `first` on, in float64. */
export type ReadExact = (target: Float64Array, first: number) => Promise<void>;

/** An open file of named tensors. Its header is in memory, its tensors are read when asked for. */
export interface TensorFile {
  readonly path: string;
  /** In an order that depends on the file's content only. */
  readonly tensors: readonly TensorInfo[];
  /** Free text of the file; undefined in formats without a place for it. */
  readonly metadata: ReadonlyMap<string, string> | undefined;
  /**
   * Fills `target`, of any length and alignment, with the tensor's little-endian row-major bytes from `byteOffset` on.
   * Calls may overlap in time. Cost: one system call per GiB where the tensor lies in the file as it is.
   * @throws RadinError naming file and tensor where the file has become shorter or cannot be read
   * @throws RangeError where the tensor is unknown or has no such bytes
   */
  read(name: string, target: Uint8Array, byteOffset?: number): Promise<void>;
  /** Where the tensor's bytes are in the open file; undefined where they are not there as they are. @throws RangeError where the tensor is unknown */
  range(name: string): FileRange | undefined;
  /**
   * Compares the tensor's bytes with the file's checksum of them, in formats that have one, before they are used. Cost: one read of
   * them on the first call. @throws RadinError naming file and tensor where they differ
   */
  check?(name: string): Promise<void>;
  /**
   * Of a tensor whose elements are computed and rounded when they are read: what fills `target` with the float64 numbers before that
   * rounding, from the element `first` on. Undefined for all other tensors. @throws as `read`
   */
  exact?(name: string): ReadExact | undefined;
  /** The error for native code that could not read a tensor's range. */
  unreadable(name: string, error: SourceError): RadinError;
  /** The same as long as nobody writes to the file. @throws RadinError */
  stamp(): Promise<string>;
  /** Frees the file descriptor; reads in flight finish first. */
  close(): Promise<void>;
}
