import { fileError } from '../errors/index.js';
import { TemporaryFile } from '../formats/index.js';
import type { MemoryMeter } from './memory-meter.js';

/** Bytes of weights that are read, or averaged, and written at a time: a multiple of the size of any element. */
const WINDOW = 16 * 2 ** 20;

/**
 * Files by which models' weights get to the process that evaluates. They are in memory where the system has files there and room
 * for them, else on disk, and are used again. Besides them a model takes one window of its weights.
 */
export class WeightsFiles {
  readonly #spare: TemporaryFile[] = [];
  readonly #windows: Uint8Array[] = [];
  readonly #kept: number;
  readonly #counted: { remove(): void } | undefined;
  /** Bytes of those in memory. */
  readonly #inMemory = new Map<TemporaryFile, number>();

  /**
   * @param kept how many are kept for the next models
   * @param meter is told of those in memory
   */
  constructor(kept: number, meter?: MemoryMeter) {
    this.#kept = kept;
    this.#counted = meter?.add({
      fileBytes: () => [...this.#inMemory.values()].reduce((sum, bytes) => sum + bytes, 0),
    });
  }

  /**
   * A file of so many bytes.
   * @param fill puts the bytes from `begin` on into the window
   * @throws RadinError (`FILE`); what `fill` does
   */
  async write(byteLength: number, fill: (window: Uint8Array, begin: number) => Promise<void>): Promise<TemporaryFile> {
    const window = this.#windows.pop() ?? new Uint8Array(Math.min(WINDOW, byteLength));
    try {
      const file = this.#spare.pop() ?? this.#openInMemory();
      if (await this.#fill(file, byteLength, window, fill)) return file;
      const onDisk = TemporaryFile.open('disk');
      await this.#fill(onDisk, byteLength, window, fill);
      return onDisk;
    } finally {
      this.#windows.push(window);
    }
  }

  giveBack(file: TemporaryFile): void {
    if (this.#spare.length < this.#kept) this.#spare.push(file);
    else this.#close(file);
  }

  close(): void {
    for (const file of this.#spare.splice(0)) this.#close(file);
    this.#counted?.remove();
  }

  /** Whether there was room; the file is closed where there was none. @throws as `write`, and has closed the file then */
  async #fill(
    file: TemporaryFile,
    byteLength: number,
    window: Uint8Array,
    fill: (window: Uint8Array, begin: number) => Promise<void>,
  ): Promise<boolean> {
    try {
      for (let begin = 0; begin < byteLength; begin += window.byteLength) {
        const part = window.subarray(0, Math.min(window.byteLength, byteLength - begin));
        await fill(part, begin);
        if (await this.#put(file, part, begin)) continue;
        this.#close(file);
        return false;
      }
      return true;
    } catch (error) {
      this.#close(file);
      throw error;
    }
  }

  /** Whether there was room, which a disk must have. @throws RadinError (`FILE`) */
  async #put(file: TemporaryFile, part: Uint8Array, begin: number): Promise<boolean> {
    const inMemory = this.#inMemory.get(file);
    try {
      await file.write(part, begin);
      if (inMemory !== undefined) this.#inMemory.set(file, Math.max(inMemory, begin + part.byteLength));
      return true;
    } catch (error) {
      if (inMemory === undefined) {
        throw fileError('write weights to the folder for temporary files, such as', file.path, error);
      }
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw fileError('write weights to', file.path, error);
    }
  }

  #openInMemory(): TemporaryFile {
    const file = TemporaryFile.open('memory');
    this.#inMemory.set(file, 0);
    return file;
  }

  #close(file: TemporaryFile): void {
    this.#inMemory.delete(file);
    file.close();
  }
}
