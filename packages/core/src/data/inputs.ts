import { setImmediate as otherWork } from 'node:timers/promises';
import { type Dtype, dtypeBytes } from '../formats/index.js';
import { type InputPart, RowReader, type SamplePlaces } from './row-reader.js';

/** Bytes that are read at a time where all samples are read: other work waits for so many at most. */
const BLOCK_BYTES = 4 * 2 ** 20;

interface InputsInit {
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly parts: readonly InputPart[];
  readonly selection?: Uint32Array;
  readonly close?: () => void;
  readonly positions?: number | undefined;
}

/**
 * Input samples, shape [M, …], row-major little-endian. They stay in their files, whatever their size, and are read when they are run.
 * A file that is replaced or written to meanwhile is an error of whoever reads.
 */
export class Inputs {
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** T, where the model is to give logits for each of T tokens of a sample. */
  readonly positions: number | undefined;
  readonly #parts: readonly InputPart[];
  readonly #selection: Uint32Array | undefined;
  readonly #close: () => void;

  constructor({ path, dtype, shape, parts, selection, close = () => {}, positions }: InputsInit) {
    this.path = path;
    this.dtype = dtype;
    this.shape = shape;
    this.positions = positions;
    this.#parts = parts;
    this.#selection = selection;
    this.#close = close;
  }

  /** Those of `a` and then those of `b`, which must have the same dtype and sizes of a sample, and are closed with these. */
  static joined(a: Inputs, b: Inputs): Inputs {
    const shift = a.#parts.reduce((sum, { samples }) => sum + samples, 0);
    const isWhole = a.#selection === undefined && b.#selection === undefined;
    return new Inputs({
      path: `${a.path} and ${b.path}`,
      dtype: a.dtype,
      shape: [a.samples + b.samples, ...a.shape.slice(1)],
      parts: [...a.#parts, ...b.#parts],
      positions: a.positions,
      close: () => {
        a.close();
        b.close();
      },
      ...(!isWhole && { selection: Uint32Array.from([...a.#stored(), ...b.#stored().map((at) => at + shift)]) }),
    });
  }

  /** M. */
  get samples(): number {
    return this.shape[0] as number;
  }

  /** Where they are, for who reads them elsewhere. */
  get places(): SamplePlaces {
    const sampleBytes = this.shape.slice(1).reduce((product, size) => product * size, dtypeBytes(this.dtype));
    return { parts: this.#parts, sampleBytes, selection: this.#selection };
  }

  /** Some of the samples, in this order; they are open as long as these are. */
  select(samples: Uint32Array): Inputs {
    const stored = this.#selection;
    return new Inputs({
      path: this.path,
      dtype: this.dtype,
      shape: [samples.length, ...this.shape.slice(1)],
      parts: this.#parts,
      positions: this.positions,
      selection: stored === undefined ? samples : samples.map((sample) => stored[sample] as number),
      close: this.#close,
    });
  }

  /** The same samples for a model that gives logits for each of `positions` tokens of a sample; they are open as long as these are. */
  withPositions(positions: number): Inputs {
    const { path, dtype, shape } = this;
    const selection = this.#selection;
    return new Inputs({
      path,
      dtype,
      shape,
      parts: this.#parts,
      positions,
      close: this.#close,
      ...(selection && { selection }),
    });
  }

  /** The bytes of all samples in parts of a few MiB, each valid until the next. @throws RadinError as `RowReader` */
  async *blocks(): AsyncGenerator<Uint8Array> {
    const { places } = this;
    const reader = new RowReader(places);
    const rows = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, places.sampleBytes)));
    const block = new Uint8Array(Math.min(rows, this.samples) * places.sampleBytes);
    try {
      for (let first = 0; first < this.samples; first += rows) {
        if (first > 0) await otherWork();
        const count = Math.min(rows, this.samples - first);
        const part = block.subarray(0, count * places.sampleBytes);
        reader.read(
          Uint32Array.from({ length: count }, (_, row) => first + row),
          part,
        );
        yield part;
      }
    } finally {
      reader.close();
    }
  }

  /** Gives back what was unpacked for them. May be called again, and of any selection. */
  close(): void {
    this.#close();
  }

  #stored(): Uint32Array {
    return this.#selection ?? Uint32Array.from({ length: this.samples }, (_, sample) => sample);
  }
}
