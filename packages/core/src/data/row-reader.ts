import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fileError } from '../errors/index.js';
import type { FilePlace } from '../formats/index.js';
import { changedFile, endedEarly, stampOf } from '../formats/light.js';

/** Samples that lie in a file one behind the other. */
export interface InputPart {
  readonly place: FilePlace;
  readonly samples: number;
  /** Of whatever the user knows: the file, or the archive that the place was unpacked from. */
  readonly path: string;
}

/** Where samples are: all that another thread or process needs to read them. */
export interface SamplePlaces {
  readonly parts: readonly InputPart[];
  readonly sampleBytes: number;
  /** Which samples of the parts they are, in order; undefined where all. */
  readonly selection: Uint32Array | undefined;
}

/** Files that one reader keeps open: many threads may read data of many parts. */
const MOST_OPEN = 16;

/** Reads samples from the files that they are in, with calls that block. Not for two threads at once. */
export class RowReader {
  readonly #places: SamplePlaces;
  /** Descriptors of the parts, the one opened first first. */
  readonly #open = new Map<InputPart, number>();
  /** First sample of each part, and the end of the last. */
  readonly #bounds: readonly number[];

  constructor(places: SamplePlaces) {
    this.#places = places;
    const bounds = [0];
    for (const { samples } of places.parts) bounds.push((bounds.at(-1) as number) + samples);
    this.#bounds = bounds;
  }

  /**
   * Fills `target` with the samples at these places, row by row.
   * @throws RadinError (`FILE`) where a file is not what it was when the data were opened, before or after the read
   */
  read(samples: ArrayLike<number>, target: Uint8Array): void {
    const { sampleBytes, parts } = this.#places;
    if (sampleBytes === 0) return;
    for (let row = 0; row < samples.length; ) {
      const first = this.#stored(samples[row] as number);
      const at = this.#partOf(first);
      const end = this.#bounds[at + 1] as number;
      let count = 1;
      while (
        row + count < samples.length &&
        first + count < end &&
        this.#stored(samples[row + count] as number) === first + count
      ) {
        count++;
      }
      const rows = target.subarray(row * sampleBytes, (row + count) * sampleBytes);
      this.#readPart(parts[at] as InputPart, (first - (this.#bounds[at] as number)) * sampleBytes, rows);
      row += count;
    }
  }

  close(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  #stored(sample: number): number {
    return this.#places.selection === undefined ? sample : (this.#places.selection[sample] as number);
  }

  /** The part that holds a sample. */
  #partOf(sample: number): number {
    let [low, high] = [0, this.#places.parts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#bounds[middle] as number) <= sample) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #readPart(part: InputPart, offset: number, target: Uint8Array): void {
    const { path, place } = part;
    try {
      const fd = this.#open.get(part) ?? this.#openPart(part);
      const start = place.offset + offset;
      for (let done = 0; done < target.byteLength; ) {
        const count = readSync(fd, target, done, target.byteLength - done, start + done);
        if (count === 0) throw endedEarly(path, start + target.byteLength, start + done);
        done += count;
      }
      checkStamp(fd, part);
    } catch (error) {
      throw fileError('read', path, error);
    }
  }

  #openPart(part: InputPart): number {
    const [oldest] = this.#open;
    if (this.#open.size >= MOST_OPEN && oldest !== undefined) {
      this.#open.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    const fd = openSync(part.place.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      checkStamp(fd, part);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#open.set(part, fd);
    return fd;
  }
}

/** @throws RadinError where the file is another, or was written to */
function checkStamp(fd: number, { path, place }: InputPart): void {
  if (stampOf(fstatSync(fd, { bigint: true })) !== place.stamp) throw changedFile(path);
}
