import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import {
  dtypeBytes,
  isAdapterFile,
  isOnnx,
  type ModelOptions,
  type OnnxFile,
  openModel,
  openOnnx,
  type ReadExact,
  type TensorFile,
  type TensorInfo,
} from '../formats/index.js';
import { findNaN, firstNaN } from './nan.js';

/** A part of one tensor to read. */
export interface TensorRead {
  readonly name: string;
  /** Filled with the tensor's little-endian bytes from `byteOffset` on. */
  readonly target: Uint8Array;
  readonly byteOffset?: number;
}

/** Bytes that tensors take of all models together at a time where they are no ranges of files (`Checkpoint.source`), so that native code cannot read them. */
export const CONVERTED_BYTES = 16 * 2 ** 20;

/** A tensor in an open file, which native code reads by itself. */
export interface TensorSource {
  readonly range: FileRange;
  /** The error for what native code met in the range. */
  unreadable(error: SourceError): RadinError;
  /** The error for the first NaN. */
  notFinite(element: number): RadinError;
}

/** One set of named weights w_k. Lazy: its tensors are listed, their values are read when asked for. */
export interface Checkpoint {
  /** Unique in a pool: a model's file name without extension. */
  readonly id: string;
  readonly tensors: readonly TensorInfo[];
  /** Fills `target` with the tensor's little-endian bytes from `byteOffset` on. @throws RadinError on unreadable files and NaN weights. */
  read(name: string, target: Uint8Array, byteOffset?: number): Promise<void>;
  /** The same for many tensors, where reading them together is faster than one by one. */
  readAll?(reads: readonly TensorRead[], options?: { signal?: AbortSignal }): Promise<void>;
  /** Where the tensor is, if it is in a file as it is; its bytes have then been checked, where the file has checksums. @throws RadinError */
  source?(name: string): Promise<TensorSource | undefined>;
  /** Of a tensor that is computed and rounded when it is read: what reads it before that rounding; averages are of these numbers. */
  exact?(name: string): ReadExact | undefined;
  /** Other tensors that are the same numbers of the same file: weights that layers share. */
  tied?(name: string): readonly string[];
  /** The same as long as the weights are, for weights that others can change: those in files. @throws RadinError */
  stamp?(): Promise<string>;
}

/** Reads tensors, together if the checkpoint can. @throws as `read`; the signal's reason once it is aborted */
export async function readTensors(
  checkpoint: Checkpoint,
  reads: readonly TensorRead[],
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  if (checkpoint.readAll !== undefined) return checkpoint.readAll(reads, options);
  for (const { name, target, byteOffset } of reads) {
    options.signal?.throwIfAborted();
    await checkpoint.read(name, target, byteOffset);
  }
}

/** A checkpoint in a file, or in shards, named by their index. */
export class FileCheckpoint implements Checkpoint {
  readonly #file: TensorFile;
  readonly #dtypes: ReadonlyMap<string, TensorInfo>;
  /** Tensors read whole and found free of NaN: soups read the same ingredients again and again. */
  readonly #checked = new Set<string>();
  /** Names of tensors that were found to be equal: see `tieEqualTensors`. */
  readonly #equal = new Map<string, readonly string[]>();

  private constructor(
    readonly id: string,
    file: TensorFile,
    /** The whole model, where it is one in ONNX. */
    readonly onnx: OnnxFile | undefined,
    /** The file of the model that it changes, where it is an adapter. */
    readonly base: string | undefined,
  ) {
    this.#file = file;
    this.#dtypes = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** Opens a model's file or index, or an adapter with its base model, and reads headers only. */
  static async open(id: string, path: string, options: ModelOptions = {}): Promise<FileCheckpoint> {
    const onnx = isOnnx(path) ? await openOnnx(path) : undefined;
    const base = isAdapterFile(path) ? options.base : undefined;
    return new FileCheckpoint(id, onnx ?? (await openModel(path, options)), onnx, base);
  }

  /** The same model with another view of its file; one of the two is to be closed. */
  seenAs(view: (file: TensorFile) => TensorFile): FileCheckpoint {
    const seen = new FileCheckpoint(this.id, view(this.#file), this.onnx, this.base);
    // Views of models in ONNX may have other names.
    if (this.onnx === undefined) for (const [name, others] of this.#equal) seen.#equal.set(name, others);
    return seen;
  }

  get path(): string {
    return this.#file.path;
  }

  get tensors(): readonly TensorInfo[] {
    return this.#file.tensors;
  }

  /** Undefined where the file's format has no place for any. */
  get metadata(): ReadonlyMap<string, string> | undefined {
    return this.#file.metadata;
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    await this.#file.check?.(name);
    await this.#file.read(name, target, byteOffset);
    const tensor = this.#dtypes.get(name);
    if (tensor === undefined || this.#checked.has(name)) return;
    const at = findNaN(target, tensor.dtype);
    if (at >= 0) {
      throw this.#notFinite(name, byteOffset / dtypeBytes(tensor.dtype) + at);
    }
    if (target.byteLength === tensor.byteLength) this.#checked.add(name);
  }

  async source(name: string): Promise<TensorSource | undefined> {
    const range = this.#file.range(name);
    if (range === undefined) return undefined;
    await this.#file.check?.(name);
    return {
      range,
      unreadable: (error) => this.#file.unreadable(name, error),
      notFinite: (element) => this.#notFinite(name, element),
    };
  }

  exact(name: string): ReadExact | undefined {
    const read = this.#file.exact?.(name);
    if (read === undefined) return undefined;
    return async (target, first) => {
      await this.#file.check?.(name);
      await read(target, first);
      const at = firstNaN(target);
      if (at >= 0) throw this.#notFinite(name, first + at);
    };
  }

  tied(name: string): readonly string[] {
    const equal = this.#equal.get(name) ?? [];
    const range = this.#file.range(name);
    if (range === undefined || range.byteLength === 0) return equal;
    const isSame = (other: TensorInfo) => {
      if (other.name === name || other.dtype !== this.#dtypes.get(name)?.dtype) return false;
      const { fd, offset, byteLength } = this.#file.range(other.name) ?? {};
      return fd === range.fd && offset === range.offset && byteLength === range.byteLength;
    };
    return [...new Set([...equal, ...this.tensors.filter(isSame).map((other) => other.name)])];
  }

  /** Takes tensors that have the same numbers for one that layers share. */
  tie(names: readonly string[]): void {
    for (const name of names)
      this.#equal.set(
        name,
        names.filter((other) => other !== name),
      );
  }

  stamp(): Promise<string> {
    return this.#file.stamp();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #notFinite(name: string, element: number): RadinError {
    return new RadinError(
      'POOL',
      `Expected finite weights but found NaN in ${this.path}, tensor ${quote(name)}, element ${element}`,
    );
  }
}
