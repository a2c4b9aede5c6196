import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes that one write takes at most. */
const WRITE = 2 ** 30;

/** A temporary folder of arrays as plain bytes, through which other processes are given the same data. */
export class DataFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'radin-bench-'));
  readonly #remove = () => rmSync(this.path, { recursive: true, force: true });

  constructor() {
    process.once('exit', this.#remove);
  }

  /** @returns the paths of the files, in the order of the arrays */
  write(name: string, arrays: readonly NodeJS.TypedArray[]): string[] {
    return arrays.map((array, index) => {
      const path = join(this.path, `${name}-${index}.bin`);
      const file = openSync(path, 'w');
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let begin = 0; begin < bytes.length; begin += WRITE) writeSync(file, bytes.subarray(begin, begin + WRITE));
      closeSync(file);
      return path;
    });
  }

  /** Removes all files. */
  clear(): void {
    for (const name of readdirSync(this.path)) rmSync(join(this.path, name));
  }

  dispose(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}
