import { Noise } from './noise.js';

export type WeightDtype = 'F16' | 'BF16' | 'F32';

export interface NamedTensor {
  readonly name: string;
  readonly elements: number;
}

export interface WeightPool {
  readonly dtype: WeightDtype;
  readonly tensors: readonly NamedTensor[];
  /** N arrays with all tensors of a model, one after the other. */
  readonly models: readonly Uint8Array[];
  /** Bytes of one model. */
  readonly bytes: number;
}

export const WEIGHT_BYTES: Readonly<Record<WeightDtype, number>> = { F16: 2, BF16: 2, F32: 4 };

/** The tensors of a vision transformer, 12 layers of width 768 being the 88 M parameters of the paper's ViT-B/32. */
export function transformerTensors(layers: number, width: number): NamedTensor[] {
  const block = (layer: number): NamedTensor[] =>
    [
      ['ln1.weight', width],
      ['ln1.bias', width],
      ['attention.in.weight', 3 * width * width],
      ['attention.in.bias', 3 * width],
      ['attention.out.weight', width * width],
      ['attention.out.bias', width],
      ['ln2.weight', width],
      ['ln2.bias', width],
      ['mlp.in.weight', 4 * width * width],
      ['mlp.in.bias', 4 * width],
      ['mlp.out.weight', 4 * width * width],
      ['mlp.out.bias', width],
    ].map(([name, elements]) => ({ name: `layers.${layer}.${name}`, elements: Number(elements) }));
  return [
    { name: 'patch.weight', elements: 3 * 32 * 32 * width },
    { name: 'class.embedding', elements: width },
    { name: 'position.embedding', elements: 50 * width },
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    { name: 'ln.weight', elements: width },
    { name: 'ln.bias', elements: width },
    { name: 'head.weight', elements: 1000 * width },
    { name: 'head.bias', elements: 1000 },
  ];
}

/** Weights of models fine-tuned from one origin: equal in all models but for a tenth of their size. */
export function makeWeights(
  models: number,
  tensors: readonly NamedTensor[],
  dtype: WeightDtype,
  seed: number,
): WeightPool {
  const elements = tensors.reduce((sum, tensor) => sum + tensor.elements, 0);
  const noise = new Noise(seed);
  const origin = new Float32Array(elements);
  noise.fill(origin, 0.02);
  const values = new Float32Array(dtype === 'F32' ? 0 : elements);
  return {
    dtype,
    tensors,
    bytes: elements * WEIGHT_BYTES[dtype],
    models: Array.from({ length: models }, () => {
      const out = dtype === 'F32' ? new Float32Array(elements) : values;
      noise.fill(out, 0.002, origin);
      if (dtype === 'F32') return new Uint8Array(out.buffer);
      return new Uint8Array(dtype === 'F16' ? halves(out) : brainFloats(out));
    }),
  };
}

/** Toward zero, and numbers below float16's normal ones to 0: any float16 numbers do. */
function halves(values: Float32Array): ArrayBuffer {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i] as number;
    const magnitude = ((word & 0x7fffffff) >>> 13) - (112 << 10);
    out[i] = ((word >>> 16) & 0x8000) | (magnitude < 1 << 10 ? 0 : magnitude);
  }
  return out.buffer;
}

/** Toward zero. */
function brainFloats(values: Float32Array): ArrayBuffer {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = (bits[i] as number) >>> 16;
  return out.buffer;
}
