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
import { type Checkpoint, FileCheckpoint, type Pool, readTensors } from '../pool/index.js';
import type { MixedCheckpoint } from './soup.js';

/** Bytes of the checkpoint that are read, or averaged, at a time; two of these windows are in memory while it is written. */
const WINDOW_BYTES = 8 * 2 ** 20;

/** Windows hold each tensor at a multiple of this, so that its bytes are aligned. */
const ALIGNMENT = 64;

/** How a soup is written. */
interface SoupOptions {
  readonly signal?: AbortSignal;
  readonly maxShardBytes?: number;
  /** For the header of a file in safetensors. */
  readonly metadata?: ReadonlyMap<string, string>;
}

/**
 * Writes a soup wholly or not at all, with provenance under `radin`: the ingredients' ids and weights as JSON.
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
  const { ingredients, weights } = soup.mixture;
  const provenance = JSON.stringify({
    models: ingredients.map((index) => pool.ids[index]),
    weights: ingredients.map((index) => weights[index]),
  });
  if (isOnnx(path)) {
    const copy = copyOnnx(modelToCopy(path, pool, options), new Map([['radin', provenance]]));
    return producing(soup, copy.weights, options, (produce) => copy.write(path, produce, options));
  }
  const shared = sharedMetadata(ingredients.map((index) => pool.checkpoints[index]));
  const metadata = new Map([...shared, ...(options.metadata ?? [])]);
  metadata.set('radin', provenance);
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
  const chunks = readChunks(checkpoint, tensors, options);
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

/** The bytes in the order of `tensors`, one tensor's at a time; the next window is read, or averaged, meanwhile. */
async function* readChunks(
  checkpoint: Checkpoint,
  tensors: readonly TensorInfo[],
  options: { signal?: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const windows = windowsOf(tensors);
  const buffers = windows.slice(0, 2).map(() => new Uint8Array(WINDOW_BYTES));
  const read = async (index: number) => {
    const reads = (windows[index] ?? []).map(({ name, byteOffset, begin, end }) => ({
      name,
      byteOffset,
      target: (buffers[index % 2] as Uint8Array).subarray(begin, end),
    }));
    if (reads.length > 0) await readTensors(checkpoint, reads, options);
    return reads.map(({ target }) => target);
  };
  let current = read(0);
  let next = current;
  try {
    for (let index = 0; index < windows.length; index++) {
      next = read(index + 1);
      next.catch(() => {}); // thrown when its turn comes
      yield* await current;
      current = next;
    }
  } finally {
    // The files must stay open until nothing reads from them.
    await Promise.allSettled([current, next]);
  }
}

/** A part of a tensor and where it stands in its window. */
interface WindowPart {
  readonly name: string;
  readonly byteOffset: number;
  readonly begin: number;
  readonly end: number;
}

/** Divides tensors into windows of WINDOW_BYTES at most: many small tensors or parts of one. */
function windowsOf(tensors: readonly TensorInfo[]): WindowPart[][] {
  const windows: WindowPart[][] = [];
  let begin = WINDOW_BYTES;
  for (const { name, byteLength } of tensors) {
    for (let byteOffset = 0; byteOffset < byteLength; ) {
      if (begin >= WINDOW_BYTES) {
        windows.push([]);
        begin = 0;
      }
      const end = Math.min(begin + byteLength - byteOffset, WINDOW_BYTES);
      windows.at(-1)?.push({ name, byteOffset, begin, end });
      byteOffset += end - begin;
      begin = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    }
  }
  return windows;
}

function sharedMetadata(checkpoints: readonly unknown[]): [string, string][] {
  const files = checkpoints.filter((checkpoint) => checkpoint instanceof FileCheckpoint);
  const [first, ...others] = files.flatMap(({ metadata }) => metadata ?? []);
  return [...(first ?? [])].filter(([key, value]) => others.every((metadata) => metadata.get(key) === value));
}
