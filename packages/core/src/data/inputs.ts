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
  readonly selection?: Uint32Array | undefined;
  readonly close?: () => void;
  readonly positions?: number | undefined;
  readonly name?: string | undefined;
  readonly others?: readonly Inputs[];
}

/** What inputs are, without their data. */
export interface InputsInfo extends Pick<Inputs, 'path' | 'dtype' | 'shape'> {
  readonly name?: string | undefined;
  readonly others?: readonly InputsInfo[];
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
  /** What the graph calls these; undefined where it has no others. */
  readonly name: string | undefined;
  /** What else the graph takes of the same samples, in the order in which it was named. */
  readonly others: readonly Inputs[];
  readonly #init: InputsInit;

  constructor(init: InputsInit) {
    this.path = init.path;
    this.dtype = init.dtype;
    this.shape = init.shape;
    this.positions = init.positions;
    this.name = init.name;
    this.others = init.others ?? [];
    this.#init = init;
  }

  /** Those of `a` and then those of `b`, which must have the same names, dtypes and sizes of a sample, and are closed with these. */
  static joined(a: Inputs, b: Inputs): Inputs {
    const shift = a.#init.parts.reduce((sum, { samples }) => sum + samples, 0);
    const isWhole = a.#init.selection === undefined && b.#init.selection === undefined;
    return a.#with({
      path: `${a.path} and ${b.path}`,
      shape: [a.samples + b.samples, ...a.shape.slice(1)],
      parts: [...a.#init.parts, ...b.#init.parts],
      close: () => {
        a.#init.close?.();
        b.#init.close?.();
      },
      others: a.others.map((one, at) => Inputs.joined(one, b.others[at] as Inputs)),
      selection: isWhole ? undefined : Uint32Array.from([...a.#stored(), ...b.#stored().map((at) => at + shift)]),
    });
  }

  /** All that a graph takes of the samples, each with its name. They are closed with the first. */
  static named(inputs: ReadonlyMap<string, Inputs>): Inputs {
    const [first, ...others] = [...inputs].map(([name, one]) => one.#with({ name }));
    if (first === undefined) throw new RangeError('Expected at least one input but received none');
    return first.#with({ others });
  }

  /** M. */
  get samples(): number {
    return this.shape[0] as number;
  }

  /** These and the others. */
  get all(): readonly Inputs[] {
    return [this, ...this.others];
  }

  /** Where they are, for who reads them elsewhere; without the others. */
  get places(): SamplePlaces {
    const sampleBytes = this.shape.slice(1).reduce((product, size) => product * size, dtypeBytes(this.dtype));
    return { parts: this.#init.parts, sampleBytes, selection: this.#init.selection };
  }

  /** Some of the samples, in this order; they are open as long as these are. */
  select(samples: Uint32Array): Inputs {
    const stored = this.#init.selection;
    return this.#with({
      shape: [samples.length, ...this.shape.slice(1)],
      selection: stored === undefined ? samples : samples.map((sample) => stored[sample] as number),
      others: this.others.map((one) => one.select(samples)),
    });
  }

  /** The same samples for a model that gives logits for each of `positions` tokens of a sample; they are open as long as these are. */
  withPositions(positions: number): Inputs {
    return this.#with({ positions });
  }

  /** The bytes of all samples, without the others, in parts of a few MiB, each valid until the next. @throws RadinError as `RowReader` */
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
    for (const one of this.all) one.#init.close?.();
  }

  #with(change: Partial<InputsInit>): Inputs {
    return new Inputs({ ...this.#init, ...change });
  }

  #stored(): Uint32Array {
    return this.#init.selection ?? Uint32Array.from({ length: this.samples }, (_, sample) => sample);
  }
}
