import { Tensor } from 'onnxruntime-node';
import { RowReader } from '../data/light.js';
import type { Dtype } from '../formats/index.js';
import { dtypeBytes } from '../formats/light.js';
import type { InputArray, InputsMessage, JobMessage, WorkerSetup } from './protocol.js';
import { tensorType, widen } from './tensor-types.js';

/** Makes what the graph is fed of the samples of a batch. */
export class BatchInput {
  /** T, where each sample has logits for so many tokens. */
  readonly positions: number | undefined;
  readonly #inputs: readonly (readonly [name: string, input: ArrayInput])[];

  /** @param wanted the graph's inputs */
  constructor({ arrays, positions }: InputsMessage, wanted: WorkerSetup['inputs']) {
    this.positions = positions;
    this.#inputs = wanted.map(({ name, dtype }) => {
      const array = arrays.find((one) => one.name === name) ?? (arrays[0] as InputArray);
      return [name, new ArrayInput(array, dtype)];
    });
  }

  /** By the graph's names, samples at the places [first, first + rows) of the job. @throws RadinError as `RowReader` */
  read(job: JobMessage, first: number, rows: number): Record<string, Tensor> {
    return Object.fromEntries(this.#inputs.map(([name, input]) => [name, input.read(job, first, rows)]));
  }
}

/** Makes one of the graph's inputs of the samples of a batch, which it reads from their files. */
class ArrayInput {
  readonly #reader: RowReader;
  readonly #sampleShape: readonly number[];
  readonly #perSample: number;

  constructor(
    private readonly inputs: InputArray,
    /** That the graph wants. */
    private readonly dtype: Dtype,
  ) {
    this.#reader = new RowReader(inputs.places);
    this.#sampleShape = inputs.shape.slice(1);
    this.#perSample = this.#sampleShape.reduce((product, size) => product * size, 1);
  }

  /** Samples at the places [first, first + rows) of the job; rows past the last sample repeat it. @throws RadinError as `RowReader` */
  read({ order, samples }: JobMessage, first: number, rows: number): Tensor {
    const present = Math.min(rows, samples - first);
    const chosen =
      order?.subarray(first, first + present) ?? Uint32Array.from({ length: present }, (_, row) => first + row);
    const { dtype } = this.inputs;
    const bytes = new ArrayBuffer(rows * this.#perSample * dtypeBytes(this.dtype));
    if (dtype === this.dtype) this.#reader.read(chosen, new Uint8Array(bytes));
    else {
      const stored = new Uint8Array(present * this.#perSample * dtypeBytes(dtype));
      this.#reader.read(chosen, stored);
      const length = present * this.#perSample;
      widen(elements(dtype, stored.buffer, length), dtype, elements(this.dtype, bytes, length), this.dtype);
    }
    const target = new Uint8Array(bytes);
    const sampleBytes = this.#perSample * dtypeBytes(this.dtype);
    for (let row = present; row < rows; row++) {
      target.copyWithin(row * sampleBytes, (present - 1) * sampleBytes, present * sampleBytes);
    }
    return makeTensor(this.dtype, bytes, 0, rows * this.#perSample, [rows, ...this.#sampleShape]);
  }
}

export function makeTensor(
  dtype: Dtype,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
  shape: readonly number[],
): Tensor {
  return new Tensor(typeOf(dtype).ort, typeOf(dtype).view(buffer, byteOffset, length) as Float32Array, shape);
}

function elements(dtype: Dtype, buffer: ArrayBuffer, length: number) {
  return typeOf(dtype).view(buffer, 0, length);
}

function typeOf(dtype: Dtype) {
  const type = tensorType(dtype);
  if (type === undefined) throw new TypeError(`Expected a dtype of ONNX Runtime but received ${dtype}`);
  return type;
}
