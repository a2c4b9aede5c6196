import { addProduct, type FileRange, type FloatDtype, type SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes, formatShape, inWritingOrder, isFloat, type TensorInfo, tensorBytes } from './dtype.js';
import { floatValues, isFloatDtype, writeFloats } from './float-values.js';
import { failFormat } from './format-error.js';
import { type LoraAdapter, type LoraProduct, openLoraAdapter } from './lora-adapter.js';
import type { ReadExact, TensorFile } from './tensor-file.js';

/** A change of a weight W as a product of two matrices in the layout of W: [rows, rank] and [rank, columns]. */
interface Factors {
  readonly left: Float64Array;
  readonly right: Float64Array;
}

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
  #factors: { readonly product: LoraProduct; readonly values: Promise<Factors> } | undefined;

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
      if (product === undefined) return;
      const { rank, scale } = product;
      await addProduct({ values: target, first, ...(await this.#factorsOf(product)), rank, scale });
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

  #factorsOf(product: LoraProduct): Promise<Factors> {
    if (this.#factors?.product !== product) this.#factors = { product, values: factors(this.#adapter, product) };
    return this.#factors.values;
  }
}

/** B and A, or Aᵀ and Bᵀ where W changes by (B·A)ᵀ. */
async function factors(adapter: LoraAdapter, product: LoraProduct): Promise<Factors> {
  const [a, b] = await Promise.all([adapter.a(product), adapter.b(product)]);
  const { rank } = product;
  return product.transposed
    ? { left: transposed(a, a.length / rank), right: transposed(b, rank) }
    : { left: b, right: a };
}

/** The matrix of so many columns the other way round. */
function transposed(values: Float64Array, columns: number): Float64Array {
  const rows = values.length / columns;
  return values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)] as number);
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
