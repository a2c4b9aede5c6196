import type { FileRange, FloatDtype, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes, formatShape, inWritingOrder, isFloat, type TensorInfo, tensorBytes } from './dtype.js';
import { floatValues, isFloatDtype, writeFloats } from './float-values.js';
import { failFormat } from './format-error.js';
import { type LoraAdapter, type LoraProduct, openLoraAdapter } from './lora-adapter.js';
import type { ReadExact, TensorFile } from './tensor-file.js';

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
    const replaced = this.#adapter.replaced.get(name);
    const exact = this.exact(name);
    if (exact !== undefined) {
      const { dtype } = this.#infos.get(name) as TensorInfo;
      const size = dtypeBytes(dtype);
      if (byteOffset % size !== 0 || target.byteLength % size !== 0) {
        throw new RangeError(
          `Expected whole elements of ${quote(name)} but received ${byteOffset}, ${target.byteLength}`,
        );
      }
      const values = new Float64Array(target.byteLength / size);
      await exact(values, byteOffset / size);
      writeFloats(values, dtype as 'F32', target);
    } else if (replaced !== undefined) {
      await this.#adapter.file.read(replaced.name, target, byteOffset);
    } else {
      await this.#base.read(name, target, byteOffset);
    }
  }

  exact(name: string): ReadExact | undefined {
    const product = this.#adapter.products.get(name);
    const replaced = this.#adapter.replaced.get(name);
    const { dtype } = this.#infos.get(name) ?? {};
    if (product === undefined && (replaced === undefined || replaced.dtype === dtype)) return undefined;
    return async (target, first) => {
      if (replaced === undefined) await readWide(this.#base, name, dtype as 'F32', target, first);
      else await readWide(this.#adapter.file, replaced.name, replaced.dtype as 'F32', target, first);
      if (product !== undefined) await this.#add(product, target, first);
    };
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

  /** values += s·B·A, for the elements from `first` on. */
  async #add(product: LoraProduct, values: Float64Array, first: number): Promise<void> {
    const [a, b] = await this.#factorsOf(product);
    const inputs = a.length / product.rank;
    const outputs = b.length / product.rank;
    const columns = product.transposed ? outputs : inputs;
    const step = Math.max(1, Math.floor(STEP / product.rank));
    for (let begin = 0; begin < values.length; begin += step) {
      if (begin > 0) await new Promise(setImmediate);
      addProduct(values, begin, Math.min(begin + step, values.length), first, columns, product, a, b);
    }
  }

  #factorsOf(product: LoraProduct): Promise<[Float64Array, Float64Array]> {
    if (this.#factors?.product !== product) {
      const values = Promise.all([this.#adapter.a(product), this.#adapter.b(product)]);
      this.#factors = { product, values };
    }
    return (this.#factors as { values: Promise<[Float64Array, Float64Array]> }).values;
  }
}

/** Elements of a file's tensor from `first` on, widened. */
async function readWide(
  file: TensorFile,
  name: string,
  dtype: FloatDtype,
  target: Float64Array,
  first: number,
): Promise<void> {
  const size = dtypeBytes(dtype);
  const bytes = new Uint8Array(target.length * size);
  await file.read(name, bytes, first * size);
  target.set(floatValues(bytes, dtype));
}

/** values[e] += s·Σ_k B[o, k]·A[k, i], in the order of k, for elements begin to end; `first` is the place of values[0] in the tensor. */
function addProduct(
  values: Float64Array,
  begin: number,
  end: number,
  first: number,
  columns: number,
  product: LoraProduct,
  a: Float64Array,
  b: Float64Array,
): void {
  const sums = new Float64Array(columns);
  for (let at = begin; at < end; ) {
    const row = Math.floor((first + at) / columns);
    const column = (first + at) % columns;
    const count = Math.min(columns - column, end - at);
    if (product.transposed) sumOfColumn(sums, row, column, count, product, a, b);
    else sumOfRow(sums, row, column, count, product, a, b);
    for (let j = 0; j < count; j++) values[at + j] = (values[at + j] as number) + product.scale * (sums[j] as number);
    at += count;
  }
}

/**
 * sums[j] = Σ_k B[row, k]·A[k, column + j], for `count` of them. Four terms at a time, in their order, take half the time of one
 * by one, since sums are loaded and stored a fourth as often.
 */
function sumOfRow(
  sums: Float64Array,
  row: number,
  column: number,
  count: number,
  { rank }: LoraProduct,
  a: Float64Array,
  b: Float64Array,
): void {
  const inputs = a.length / rank;
  sums.fill(0, 0, count);
  let k = 0;
  for (; k + 4 <= rank; k += 4) {
    const at = row * rank + k;
    const [b0, b1, b2, b3] = b.subarray(at, at + 4) as unknown as [number, number, number, number];
    const a0 = k * inputs + column;
    const [a1, a2, a3] = [a0 + inputs, a0 + 2 * inputs, a0 + 3 * inputs];
    for (let j = 0; j < count; j++) {
      const two = (sums[j] as number) + b0 * (a[a0 + j] as number) + b1 * (a[a1 + j] as number);
      sums[j] = two + b2 * (a[a2 + j] as number) + b3 * (a[a3 + j] as number);
    }
  }
  for (; k < rank; k++) {
    const factor = b[row * rank + k] as number;
    const start = k * inputs + column;
    for (let j = 0; j < count; j++) sums[j] = (sums[j] as number) + factor * (a[start + j] as number);
  }
}

/** sums[j] = Σ_k B[column + j, k]·A[k, row], for `count` of them. */
function sumOfColumn(
  sums: Float64Array,
  row: number,
  column: number,
  count: number,
  { rank }: LoraProduct,
  a: Float64Array,
  b: Float64Array,
): void {
  const inputs = a.length / rank;
  for (let j = 0; j < count; j++) {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += (b[(column + j) * rank + k] as number) * (a[k * inputs + row] as number);
    sums[j] = sum;
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
