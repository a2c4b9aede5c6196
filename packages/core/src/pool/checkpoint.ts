import { quote, RadinError } from '../errors/index.js';
import { openSafetensors, type SafetensorsFile, type TensorInfo } from '../formats/index.js';
import { findNaN } from './nan.js';

/** One set of named weights w_k. Lazy: its tensors are listed, their values are read when asked for. */
export interface Checkpoint {
  /** Unique in a pool: a model's file name without extension. */
  readonly id: string;
  readonly tensors: readonly TensorInfo[];
  /** Fills `target` with the tensor's little-endian bytes from `byteOffset` on. @throws RadinError on unreadable files and NaN weights. */
  read(name: string, target: Uint8Array, byteOffset?: number): Promise<void>;
}

/** A checkpoint in a safetensors file. */
export class FileCheckpoint implements Checkpoint {
  readonly #file: SafetensorsFile;
  readonly #dtypes: ReadonlyMap<string, TensorInfo>;
  /** Tensors read whole and found free of NaN: soups read the same ingredients again and again. */
  readonly #checked = new Set<string>();

  private constructor(
    readonly id: string,
    file: SafetensorsFile,
  ) {
    this.#file = file;
    this.#dtypes = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** Opens a file and reads its header only. */
  static async open(id: string, path: string): Promise<FileCheckpoint> {
    return new FileCheckpoint(id, await openSafetensors(path));
  }

  get path(): string {
    return this.#file.path;
  }

  get tensors(): readonly TensorInfo[] {
    return this.#file.tensors;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#file.metadata;
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    await this.#file.read(name, target, byteOffset);
    const tensor = this.#dtypes.get(name);
    if (tensor === undefined || this.#checked.has(name)) return;
    const at = findNaN(target, tensor.dtype);
    if (at >= 0) {
      const element = byteOffset / (tensor.byteLength / elements(tensor)) + at;
      throw new RadinError(
        'POOL',
        `Expected finite weights but found NaN in ${this.path}, tensor ${quote(name)}, element ${element}`,
      );
    }
    if (target.byteLength === tensor.byteLength) this.#checked.add(name);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function elements(tensor: TensorInfo): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}
