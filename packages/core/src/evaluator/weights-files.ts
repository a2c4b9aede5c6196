import { fileError } from '../errors/index.js';
import { TemporaryFile } from '../formats/index.js';

/**
 * Files by which models' weights get to the process that evaluates: as many copies as from memory to memory. They are in memory
 * where the system has files there and room for them, else on disk, and are used again.
 */
export class WeightsFiles {
  readonly #spare: TemporaryFile[] = [];
  readonly #kept: number;

  /** @param kept how many are kept for the next models */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** A file with these bytes. @throws RadinError (`FILE`) */
  async write(bytes: Uint8Array): Promise<TemporaryFile> {
    const spare = this.#spare.pop();
    const file = spare ?? TemporaryFile.open('memory');
    try {
      await file.write(bytes, 0);
      return file;
    } catch (error) {
      file.close();
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw fileError('write weights to', file.path, error);
    }
    const onDisk = TemporaryFile.open('disk');
    try {
      await onDisk.write(bytes, 0);
      return onDisk;
    } catch (error) {
      onDisk.close();
      throw fileError('write weights to the folder for temporary files, such as', onDisk.path, error);
    }
  }

  giveBack(file: TemporaryFile): void {
    if (this.#spare.length < this.#kept) this.#spare.push(file);
    else file.close();
  }

  close(): void {
    for (const file of this.#spare.splice(0)) file.close();
  }
}
