import { quote, RadinError } from '../errors/index.js';
import {
  floatValues,
  formatShape,
  isFloatDtype,
  type LoraAdapter,
  type LoraProduct,
  openModel,
  type TensorFile,
  type TensorInfo,
  writeFloats,
} from '../formats/index.js';
import type { Mixture } from '../mixture/index.js';
import { type Checkpoint, modelId } from '../pool/index.js';

const PREFIX = 'base_model.model.';
const FLOAT32_BYTES = 4;

/** A tensor of the new adapter and how its elements come about. */
interface NewTensor extends TensorInfo {
  readonly values: () => Promise<Float64Array>;
}

/** See `withAdapterSoup`. */
class AdapterSoup implements Checkpoint {
  readonly id: string;
  readonly tensors: readonly TensorInfo[];
  readonly #tensors: ReadonlyMap<string, NewTensor>;
  /** The last tensor that was computed: tensors are read in windows. */
  #computed: { readonly name: string; readonly bytes: Uint8Array } | undefined;

  /**
   * @param adapters of the pool, one for each weight of the mixture @param base the base model, where it is known
   * @throws RadinError `POOL` where they have no soup of this form
   */
  constructor(adapters: readonly LoraAdapter[], mixture: Mixture, base: TensorFile | undefined) {
    const used = mixture.ingredients.map((index) => ({
      adapter: adapters[index] as LoraAdapter,
      weight: mixture.weights[index] as number,
    }));
    this.id = used.map(({ adapter }) => modelId(adapter.path)).join('+');
    this.#tensors = new Map([...factors(used), ...averages(used, base)].map((tensor) => [tensor.name, tensor]));
    this.tensors = [...this.#tensors.values()].map(({ name, dtype, shape, byteLength }) => ({
      name,
      dtype,
      shape,
      byteLength,
    }));
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    let bytes = this.#computed?.name === name ? this.#computed.bytes : undefined;
    if (bytes === undefined) {
      const { values, byteLength, dtype } = this.#tensors.get(name) as NewTensor;
      bytes = new Uint8Array(byteLength);
      writeFloats(await values(), dtype as 'F32', bytes);
      this.#computed = { name, bytes };
    }
    target.set(bytes.subarray(byteOffset, byteOffset + target.byteLength));
  }
}

/** An ingredient with its weight in the soup. */
interface Weighted {
  readonly adapter: LoraAdapter;
  readonly weight: number;
}

/**
 * Lets `use` read the soup of adapters as one adapter: Σ p_k s_k B_k A_k = B·A with B = [p_1 s_1 B_1, p_2 s_2 B_2, …] and A = [A_1; A_2; …], of rank
 * Σ r_k, scale 1, in float32. Tensors that adapters hold whole are averaged; one that lacks such a tensor counts with the base model's.
 * @param adapters of the pool, one for each weight of the mixture @param base the file of the base model, where it is known
 * @throws RadinError `POOL` where they have no soup of this form; as `openModel`; what `use` throws
 */
export async function withAdapterSoup<T>(
  adapters: readonly LoraAdapter[],
  mixture: Mixture,
  base: string | undefined,
  use: (soup: Checkpoint) => Promise<T>,
): Promise<T> {
  const model = base === undefined ? undefined : await openModel(base, {});
  try {
    return await use(new AdapterSoup(adapters, mixture, model));
  } finally {
    await model?.close();
  }
}

function factors(used: readonly Weighted[]): NewTensor[] {
  const names = [...new Set(used.flatMap(({ adapter }) => [...adapter.products.keys()]))].sort();
  return names.flatMap((name) => {
    const parts = used.flatMap(({ adapter, weight }) => {
      const product = adapter.products.get(name);
      return product === undefined ? [] : [{ adapter, weight, product }];
    });
    const { module, a, b, embedding, transposed } = (parts[0] as { product: LoraProduct }).product;
    for (const { adapter, product } of parts) {
      const same = [product.a.shape.slice(1), product.b.shape[0], product.b.shape.slice(2)].join(';');
      if (same === [a.shape.slice(1), b.shape[0], b.shape.slice(2)].join(';') && product.transposed === transposed)
        continue;
      throw new RadinError(
        'POOL',
        `Expected module ${quote(module)} to be adapted alike in all adapters but found other shapes, or fan_in_fan_out, in ${adapter.path}`,
      );
    }
    const rank = parts.reduce((sum, { product }) => sum + product.rank, 0);
    const [outputs = 0, , ...ones] = b.shape;
    const called = (factor: string) =>
      `${PREFIX}${module}.lora_${embedding ? `embedding_${factor}` : `${factor}.weight`}`;
    return [
      tensor(called('A'), [rank, ...a.shape.slice(1)], async () => {
        const pieces = await Promise.all(parts.map(({ adapter, product }) => adapter.a(product)));
        return concatenated(pieces);
      }),
      tensor(called('B'), [outputs, rank, ...ones], async () => {
        const values = new Float64Array(outputs * rank);
        let column = 0;
        for (const { adapter, weight, product } of parts) {
          const factor = weight * product.scale;
          const piece = await adapter.b(product);
          for (let at = 0; at < piece.length; at++) {
            const row = Math.floor(at / product.rank);
            values[row * rank + column + (at % product.rank)] = factor * (piece[at] as number);
          }
          column += product.rank;
        }
        return values;
      }),
    ];
  });
}

/** Of tensors that some adapters hold whole: of those that lack one, the base model's counts. */
function averages(used: readonly Weighted[], base: TensorFile | undefined): NewTensor[] {
  const shapes = new Map(
    used.flatMap(({ adapter }) => [...adapter.replaced].map(([name, { shape }]) => [name, shape])),
  );
  return [...shapes].map(([name, shape]) => {
    const parts = used.map(({ adapter, weight }) => ({ weight, ...wholeTensor(name, shape, adapter, base) }));
    return tensor(`${PREFIX}${name}`, shape, async () => {
      let sum = new Float64Array(0);
      for (const { file, info, weight } of parts) {
        const bytes = new Uint8Array(info.byteLength);
        await file.check?.(info.name);
        await file.read(info.name, bytes);
        const values = floatValues(bytes, info.dtype as 'F32');
        if (sum.length === 0) sum = new Float64Array(values.length);
        for (let at = 0; at < values.length; at++) sum[at] = (sum[at] as number) + weight * (values[at] as number);
      }
      return sum;
    });
  });
}

/** Where an adapter's model has the tensor whole. @throws RadinError `POOL` where neither it nor the base model is known to have it */
function wholeTensor(
  name: string,
  shape: readonly number[],
  { path, file, replaced }: LoraAdapter,
  base: TensorFile | undefined,
): { readonly file: TensorFile; readonly info: TensorInfo } {
  const own = replaced.get(name);
  const shared = base?.tensors.find((one) => one.name === name);
  const [from, info] = own || base === undefined ? [file, own] : [base, shared];
  const where = `${own || base === undefined ? path : `${path}, nor in its base model ${base.path}`}`;
  if (info === undefined || formatShape(info.shape) !== formatShape(shape)) {
    const found = info === undefined ? 'none' : formatShape(info.shape);
    const hint = own || base !== undefined ? '' : ', whose base model (--base) is not known';
    throw new RadinError(
      'POOL',
      `Expected a tensor ${quote(name)} of shape ${formatShape(shape)}, as other adapters have it whole, but found ${found} in ${where}${hint}`,
    );
  }
  if (!isFloatDtype(info.dtype)) {
    throw new RadinError(
      'POOL',
      `Expected weights of floats but found ${info.dtype} in ${from.path}, tensor ${quote(info.name)}`,
    );
  }
  return { file: from, info };
}

function tensor(name: string, shape: readonly number[], values: NewTensor['values']): NewTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, dtype: 'F32', shape, byteLength: FLOAT32_BYTES * elements, values };
}

function concatenated(pieces: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
