import { basename, dirname, join } from 'node:path';
import { quote } from '../errors/index.js';
import { formatShape, type TensorInfo } from './dtype.js';
import { floatValues, isFloatDtype } from './float-values.js';
import { failFormat } from './format-error.js';
import { ADAPTER_CONFIG, type PeftConfig, readPeftConfig } from './peft-config.js';
import { openPyTorch } from './pytorch-reader.js';
import { openSafetensors } from './safetensors-reader.js';
import type { TensorFile } from './tensor-file.js';

/** What the weights of an adapter are called in its folder, the first that is there. */
export const ADAPTER_FILES: readonly string[] = ['adapter_model.safetensors', 'adapter_model.bin'];

/** One factored change of a weight: s·B·A, in the layout of the weight. */
export interface LoraProduct {
  /** The module in the base model; the weight is `MODULE.weight`. */
  readonly module: string;
  /** A, [rank, …]. */
  readonly a: TensorInfo;
  /** B, [out, rank] or, of convolutions, [out, rank, 1, …]. */
  readonly b: TensorInfo;
  readonly rank: number;
  /** s. */
  readonly scale: number;
  /** Whether the weight changes by (B·A)ᵀ: embeddings, and linear layers stored as [in, out]. */
  readonly transposed: boolean;
  readonly embedding: boolean;
}

/** An open adapter of PEFT. */
export interface LoraAdapter {
  readonly path: string;
  readonly config: PeftConfig;
  readonly file: TensorFile;
  /** By the name of the weight that they change. */
  readonly products: ReadonlyMap<string, LoraProduct>;
  /** Tensors that take the place of the base model's, such as those of `modules_to_save`, by the base model's names. */
  readonly replaced: ReadonlyMap<string, TensorInfo>;
  /** Elements of A, row-major, widened. @throws RadinError */
  a(product: LoraProduct): Promise<Float64Array>;
  b(product: LoraProduct): Promise<Float64Array>;
  close(): Promise<void>;
}

/** Whether a file holds the weights of an adapter, by its name. */
export function isAdapterFile(path: string): boolean {
  return ADAPTER_FILES.includes(basename(path));
}

const FACTOR = /^(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?$/;
const PREFIX = 'base_model.model.';

/**
 * Opens a LoRA adapter by the file of its weights, with its `adapter_config.json`. Reads headers only.
 * @throws RadinError as `readPeftConfig` and as opening the file does; `FORMAT` where its tensors are not what the configuration says
 */
export async function openLoraAdapter(path: string): Promise<LoraAdapter> {
  const config = await readPeftConfig(join(dirname(path), ADAPTER_CONFIG));
  const file = await (path.endsWith('.bin') ? openPyTorch(path) : openSafetensors(path));
  try {
    return new OpenAdapter(file, config, ...sort(file, config));
  } catch (error) {
    await file.close();
    throw error;
  }
}

class OpenAdapter implements LoraAdapter {
  readonly path: string;

  constructor(
    readonly file: TensorFile,
    readonly config: PeftConfig,
    readonly products: ReadonlyMap<string, LoraProduct>,
    readonly replaced: ReadonlyMap<string, TensorInfo>,
  ) {
    this.path = file.path;
  }

  a({ a }: LoraProduct): Promise<Float64Array> {
    return readFloats(this.file, a);
  }

  b({ b }: LoraProduct): Promise<Float64Array> {
    return readFloats(this.file, b);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** All of a float tensor, widened; it must be finite. @throws RadinError */
async function readFloats(file: TensorFile, { name, dtype, byteLength }: TensorInfo): Promise<Float64Array> {
  const bytes = new Uint8Array(byteLength);
  await file.check?.(name);
  await file.read(name, bytes);
  // The dtype was checked when the adapter was opened.
  const values = floatValues(bytes, dtype as 'F32');
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) failFormat('finite weights', `${values[bad]}`, `${file.path}, tensor ${quote(name)}, element ${bad}`);
  return values;
}

function sort(
  file: TensorFile,
  config: PeftConfig,
): [ReadonlyMap<string, LoraProduct>, ReadonlyMap<string, TensorInfo>] {
  const factors = new Map<string, { embedding: boolean; A?: TensorInfo; B?: TensorInfo }>();
  const replaced = new Map<string, TensorInfo>();
  for (const tensor of file.tensors) {
    const where = `${file.path}, tensor ${quote(tensor.name)}`;
    const name = tensor.name.startsWith(PREFIX) ? tensor.name.slice(PREFIX.length) : tensor.name;
    const [, module = '', embedding, factor] = FACTOR.exec(name) ?? [];
    if (factor !== undefined) {
      if (!isFloatDtype(tensor.dtype)) failFormat('a factor of 16, 32 or 64 bit floats', tensor.dtype, where);
      const found = factors.get(module) ?? { embedding: embedding !== undefined };
      if (found[factor as 'A' | 'B'] !== undefined) failFormat('one factor of that name', 'two', where);
      found[factor as 'A' | 'B'] = tensor;
      factors.set(module, found);
      continue;
    }
    if (/\.lora_/.test(name)) failFormat('factors lora_A and lora_B only', 'another part of an adapter', where);
    const own = name.replace(/\.modules_to_save(\.default)?\./, '.').replace('.original_module.', '.');
    if (replaced.has(own)) failFormat('one tensor of that name', 'two', where);
    replaced.set(own, tensor);
  }
  const products = new Map<string, LoraProduct>();
  for (const [module, { embedding, A, B }] of factors) {
    const where = `${file.path}, module ${quote(module)}`;
    if (A === undefined || B === undefined) {
      failFormat('both factors A and B', `only ${A === undefined ? 'B' : 'A'}`, where);
    }
    const rank = A.shape[0] ?? 0;
    const fits = A.shape.length >= 2 && A.shape.length === B.shape.length && B.shape[1] === rank;
    if (!fits || B.shape.slice(2).some((size) => size !== 1)) {
      failFormat('factors [rank, in] and [out, rank]', `${formatShape(A.shape)} and ${formatShape(B.shape)}`, where);
    }
    if (rank !== config.rank(module)) {
      failFormat(`the rank ${config.rank(module)} that ${config.path} says`, `${rank}`, where);
    }
    const transposed = embedding || (config.fanInFanOut && A.shape.length === 2);
    products.set(`${module}.weight`, { module, a: A, b: B, rank, scale: config.scale(module), transposed, embedding });
  }
  if (products.size + replaced.size === 0) failFormat('an adapter that changes something', 'no tensors', file.path);
  return [products, replaced];
}
