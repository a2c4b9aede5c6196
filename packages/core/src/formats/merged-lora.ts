import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes, formatShape, inWritingOrder, isFloat, type TensorInfo, tensorBytes } from './dtype.js';
import { floatValues, isFloatDtype, writeFloats } from './float-values.js';
import { failFormat } from './format-error.js';
import { type LoraAdapter, type LoraProduct, openLoraAdapter } from './lora-adapter.js';
import type { TensorFile } from './tensor-file.js';

/** Products are computed this many multiplications at a time, some milliseconds, so that other work is not held up. */
const STEP = 2 ** 22;

/**
 * Opens a LoRA adapter as the model that it makes of its base: the base model's tensors, with W + s·B·A in place of each adapted W. Products
 * and sums are float64, rounded once to the type of W. Only the weights that are read are computed, and no more of them than is read.
 * @param base an open model, which is closed with the result
 * @throws RadinError as `openLoraAdapter`; `POOL` where the adapter is not one of this base model
 */
export async function openMergedLora(path: string, base: TensorFile): Promise<TensorFile> {
  const adapter = await openLoraAdapter(path).catch(async (error: unknown) => {
    await base.close();
    throw error;
  });
  try {
    return new MergedLora(adapter, base);
  } catch (error) {
    await Promise.all([adapter.close(), base.close()]);
    throw error;
  }
}

class MergedLora implements TensorFile {
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  readonly metadata: TensorFile['metadata'];
  readonly #adapter: LoraAdapter;
  readonly #base: TensorFile;
  readonly #infos: ReadonlyMap<string, TensorInfo>;
  /** Parts of one tensor are read one after another. */
  #factors: { readonly product: LoraProduct; readonly values: Promise<[Float64Array, Float64Array]> } | undefined;

  constructor(adapter: LoraAdapter, base: TensorFile) {
    this.path = adapter.path;
    this.metadata = base.metadata;
    this.#adapter = adapter;
    this.#base = base;
    const infos = new Map(base.tensors.map((tensor) => [tensor.name, tensor]));
    for (const [name, tensor] of adapter.replaced) infos.set(name, replacement(name, tensor, infos.get(name)));
    for (const [name, product] of adapter.products) checkFits(adapter, base, name, product, infos.get(name));
    this.#infos = infos;
    this.tensors = [...infos.values()].sort(inWritingOrder);
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    const product = this.#adapter.products.get(name);
    const replaced = this.#adapter.replaced.get(name);
    if (replaced !== undefined) await this.#readReplaced(name, replaced, target, byteOffset);
    else await this.#base.read(name, target, byteOffset);
    if (product !== undefined) await this.#add(name, product, target, byteOffset);
  }

  range(name: string): FileRange | undefined {
    if (this.#adapter.products.has(name)) return undefined;
    const replaced = this.#adapter.replaced.get(name);
    if (replaced === undefined) return this.#base.range(name);
    return this.#infos.get(name)?.dtype === replaced.dtype ? this.#adapter.file.range(replaced.name) : undefined;
  }

  async check(name: string): Promise<void> {
    const replaced = this.#adapter.replaced.get(name);
    if (replaced === undefined) await this.#base.check?.(name);
    else await this.#adapter.file.check?.(replaced.name);
  }

  unreadable(name: string, error: SourceError): RadinError {
    const replaced = this.#adapter.replaced.get(name);
    return replaced === undefined
      ? this.#base.unreadable(name, error)
      : this.#adapter.file.unreadable(replaced.name, error);
  }

  async stamp(): Promise<string> {
    return (await Promise.all([this.#base.stamp(), this.#adapter.file.stamp()])).join(';');
  }

  async close(): Promise<void> {
    await Promise.all([this.#base.close(), this.#adapter.close()]);
  }

  async #readReplaced(name: string, replaced: TensorInfo, target: Uint8Array, byteOffset: number): Promise<void> {
    const { dtype } = this.#infos.get(name) as TensorInfo;
    const { file } = this.#adapter;
    if (dtype === replaced.dtype) return file.read(replaced.name, target, byteOffset);
    const [from, to] = [dtypeBytes(replaced.dtype), dtypeBytes(dtype)];
    const bytes = new Uint8Array((target.byteLength / to) * from);
    await file.read(replaced.name, bytes, (byteOffset / to) * from);
    writeFloats(floatValues(bytes, replaced.dtype as 'F32'), dtype as 'F32', target);
  }

  /** target += s·B·A, for the elements from `byteOffset` on. */
  async #add(name: string, product: LoraProduct, target: Uint8Array, byteOffset: number): Promise<void> {
    const dtype = (this.#infos.get(name) as TensorInfo).dtype as 'F32';
    const size = dtypeBytes(dtype);
    if (byteOffset % size !== 0 || target.byteLength % size !== 0) {
      throw new RangeError(
        `Expected whole elements of ${quote(name)} but received ${byteOffset}, ${target.byteLength}`,
      );
    }
    const [a, b] = await this.#factorsOf(product);
    const values = floatValues(target, dtype);
    const first = byteOffset / size;
    const inputs = a.length / product.rank;
    const outputs = b.length / product.rank;
    const columns = product.transposed ? outputs : inputs;
    const step = Math.max(1, Math.floor(STEP / product.rank));
    for (let begin = 0; begin < values.length; begin += step) {
      if (begin > 0) await new Promise(setImmediate);
      addProduct(values, begin, Math.min(begin + step, values.length), first, columns, product, a, b);
    }
    writeFloats(values, dtype, target);
  }

  #factorsOf(product: LoraProduct): Promise<[Float64Array, Float64Array]> {
    if (this.#factors?.product !== product) {
      const values = Promise.all([this.#adapter.a(product), this.#adapter.b(product)]);
      this.#factors = { product, values };
    }
    return (this.#factors as { values: Promise<[Float64Array, Float64Array]> }).values;
  }
}

/** values[e] += s·Σ_k B[o, k]·A[k, i], in the order of k, for elements begin to end; `first` is the place of values[0] in the tensor. */
function addProduct(
  values: Float64Array,
  begin: number,
  end: number,
  first: number,
  columns: number,
  { rank, scale, transposed }: LoraProduct,
  a: Float64Array,
  b: Float64Array,
): void {
  const inputs = a.length / rank;
  const sums = new Float64Array(columns);
  for (let at = begin; at < end; ) {
    const row = Math.floor((first + at) / columns);
    const column = (first + at) % columns;
    const count = Math.min(columns - column, end - at);
    sums.fill(0, 0, count);
    for (let k = 0; k < rank; k++) {
      if (transposed) {
        const factor = a[k * inputs + row] as number;
        for (let j = 0; j < count; j++) {
          sums[j] = (sums[j] as number) + (b[(column + j) * rank + k] as number) * factor;
        }
      } else {
        const factor = b[row * rank + k] as number;
        const start = k * inputs + column;
        for (let j = 0; j < count; j++) sums[j] = (sums[j] as number) + factor * (a[start + j] as number);
      }
    }
    for (let j = 0; j < count; j++) values[at + j] = (values[at + j] as number) + scale * (sums[j] as number);
    at += count;
  }
}

/** A tensor of its own, in the base model's type where that has one of this name. */
function replacement(name: string, { dtype, shape, byteLength }: TensorInfo, base: TensorInfo | undefined): TensorInfo {
  if (base === undefined || base.dtype === dtype || !isFloatDtype(dtype) || !isFloatDtype(base.dtype)) {
    return { name, dtype, shape, byteLength };
  }
  return { name, dtype: base.dtype, shape, byteLength: tensorBytes(base.dtype, shape) as number };
}

function checkFits(
  { path }: LoraAdapter,
  base: TensorFile,
  name: string,
  { a, b, transposed }: LoraProduct,
  weight: TensorInfo | undefined,
): void {
  const where = `${path}, against its base model ${base.path}`;
  if (weight === undefined) {
    throw new RadinError(
      'POOL',
      `Expected a tensor ${quote(name)} in the base model ${base.path}, as the adapter ${path} changes it, but found none`,
    );
  }
  if (!isFloatDtype(weight.dtype)) {
    const why = isFloat(weight.dtype) ? 'eight-bit floats' : 'quantised or integer weights';
    failFormat('a weight of 16, 32 or 64 bit floats', `${weight.dtype} (${why}) for ${quote(name)}`, where);
  }
  const [outputs = 0] = b.shape;
  const expected = transposed ? [a.shape[1] ?? 0, outputs] : [outputs, ...a.shape.slice(1)];
  if (formatShape(weight.shape) !== formatShape(expected)) {
    const found = `${formatShape(weight.shape)} in the base model`;
    failFormat(`${quote(name)} of shape ${formatShape(expected)}, as its factors say,`, found, where);
  }
}
