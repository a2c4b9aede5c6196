import { quote, RadinError } from '../errors/index.js';
import {
  copyOnnx,
  inWritingOrder,
  isOnnx,
  type OnnxFile,
  type ProduceTensor,
  type TensorInfo,
  type WrittenModel,
  writeSafetensors,
  writeShardedSafetensors,
} from '../formats/index.js';
import { type Checkpoint, FileCheckpoint, type Pool } from '../pool/index.js';
import type { MixedCheckpoint } from './soup.js';
import { plainRecord, RECORD_KEY, type SoupRecord } from './soup-record.js';
import { tensorChunks } from './tensor-chunks.js';

/** How a soup is written. */
interface SoupOptions {
  readonly signal?: AbortSignal;
  readonly maxShardBytes?: number;
  /** For the header of a file in safetensors. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** What is said of how the soup came about. Default: its ingredients' ids and weights. */
  readonly record?: SoupRecord;
}

/**
 * Writes a soup wholly or not at all, with `record` as JSON under the key `radin` of its metadata.
 *
 * A path that ends in `.onnx` gets a copy of the pool's first model in ONNX that has the soup's types, with the soup's weights (see `copyOnnx`). Any other gets a
 * safetensors file, or shards of at most `maxShardBytes` of tensors (see `writeShardedSafetensors`), with the same bytes whatever the formats
 * of its ingredients' files and the order of their tensors, the metadata that all ingredients share whose format has a place for it, and
 * `metadata`.
 * @throws RadinError `CONFIG` where the pool has no model in ONNX to copy
 */
export async function writeSoup(
  path: string,
  soup: MixedCheckpoint,
  pool: Pool,
  options: SoupOptions = {},
): Promise<WrittenModel> {
  const { ingredients } = soup.mixture;
  const provenance = JSON.stringify(options.record ?? plainRecord(soup.mixture, pool.ids));
  if (isOnnx(path)) {
    const copy = copyOnnx(modelToCopy(path, pool, options), new Map([[RECORD_KEY, provenance]]));
    return producing(soup, copy.weights, options, (produce) => copy.write(path, produce, options));
  }
  const shared = sharedMetadata(ingredients.map((index) => pool.checkpoints[index]));
  const metadata = new Map([...shared, ...(options.metadata ?? [])]);
  metadata.set(RECORD_KEY, provenance);
  return writeTensors(path, soup, metadata, options);
}

/** Writes any checkpoint as one safetensors file without metadata, wholly or not at all. */
export async function writeCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  await writeTensors(path, checkpoint, new Map(), options);
}

async function writeTensors(
  path: string,
  checkpoint: Checkpoint,
  metadata: ReadonlyMap<string, string>,
  options: SoupOptions,
): Promise<WrittenModel> {
  const tensors = [...checkpoint.tensors].sort(inWritingOrder);
  const { maxShardBytes } = options;
  return producing(checkpoint, tensors, options, async (produce) =>
    maxShardBytes === undefined
      ? { path, ...(await writeSafetensors(path, tensors, metadata, produce, options)) }
      : await writeShardedSafetensors(path, tensors, metadata, produce, maxShardBytes, options),
  );
}

/** Whether all models are in ONNX and a soup of them can be: a copy of one of them. */
export function isOnnxPool(pool: Pool): boolean {
  const all = pool.checkpoints.map(onnxOf);
  return all.every((model) => model !== undefined) && all.some((model) => otherTensor(model, pool) === undefined);
}

function onnxOf(model: Checkpoint): OnnxFile | undefined {
  return model instanceof FileCheckpoint ? model.onnx : undefined;
}

/** The first model in ONNX that has the soup's tensors in their types. */
function modelToCopy(path: string, pool: Pool, { maxShardBytes }: SoupOptions): OnnxFile {
  if (maxShardBytes !== undefined) {
    throw new RadinError(
      'CONFIG',
      `Expected no limit of shards for a soup in ONNX, which has none, but found one for ${path}`,
    );
  }
  const models = pool.checkpoints.map(onnxOf).filter((onnx) => onnx !== undefined);
  const model = models.find((one) => otherTensor(one, pool) === undefined) ?? models[0];
  if (model === undefined) {
    throw new RadinError(
      'CONFIG',
      `Expected a model in ONNX, which a soup in ONNX is a copy of with other weights, but found none for ${path}: write a .safetensors file`,
    );
  }
  const other = otherTensor(model, pool);
  if (other === undefined) return model;
  throw new RadinError(
    'CONFIG',
    `Expected the tensors of ${model.path} for a soup that is a copy of it but found ${other}: write a .safetensors file`,
  );
}

/** What of the soup's tensors has no place in a copy of the model; undefined where all have. */
function otherTensor({ tensors }: OnnxFile, pool: Pool): string | undefined {
  const own = new Map(tensors.map(({ name, dtype }) => [name, dtype]));
  const other = pool.tensors.find(({ name, dtype }) => own.get(name) !== dtype);
  if (other !== undefined) return `${quote(other.name)} of dtype ${other.dtype}`;
  return pool.tensors.length < own.size ? 'fewer tensors' : undefined;
}

/** Lets `write` ask for the checkpoint's bytes of `tensors`, in their order. */
async function producing<T>(
  checkpoint: Checkpoint,
  tensors: readonly TensorInfo[],
  options: { signal?: AbortSignal },
  write: (produce: ProduceTensor) => Promise<T>,
): Promise<T> {
  const chunks = tensorChunks(checkpoint, tensors, options);
  try {
    return await write(async ({ byteLength }, append) => {
      for (let left = byteLength; left > 0; ) {
        const { value } = await chunks.next();
        await append(value as Uint8Array);
        left -= (value as Uint8Array).byteLength;
      }
    });
  } finally {
    await chunks.return(undefined);
  }
}

function sharedMetadata(checkpoints: readonly unknown[]): [string, string][] {
  const files = checkpoints.filter((checkpoint) => checkpoint instanceof FileCheckpoint);
  const [first, ...others] = files.flatMap(({ metadata }) => metadata ?? []);
  return [...(first ?? [])].filter(([key, value]) => others.every((metadata) => metadata.get(key) === value));
}
