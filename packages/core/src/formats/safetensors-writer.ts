import { quote, RadinError } from '../errors/index.js';
import { type FileSink, type WriteOptions, writeFileAtomically } from './atomic-file.js';
import { Digest, type WrittenFile } from './digest.js';
import { formatShape, type TensorInfo, tensorBytes } from './dtype.js';
import { LONGEST_HEADER, METADATA_KEY, PREFIX_BYTES } from './safetensors-header.js';

/** Hashing blocks the thread, this long at a time: about 10 ms. Node hashes less than 2 GiB in one call. */
const HASHED_AT_ONCE = 2 ** 24;

/** Supplies one tensor's little-endian bytes through `write`, in order and in chunks of any size; await each `write`. */
export type ProduceTensor = (tensor: TensorInfo, write: (chunk: Uint8Array) => Promise<void>) => Promise<void>;

/**
 * Writes a safetensors file wholly or not at all (see `writeFileAtomically`). Header and data have the order of `tensors`;
 * the data starts at a multiple of 8 bytes. Memory: what `produce` uses.
 * @throws RadinError `FORMAT` where names, metadata or sizes have no place in a header or `produce` writes more or less than
 *   a tensor's bytes; `FILE` where the file cannot be written; whatever `produce` throws, the signal's reason once aborted
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorInfo[],
  metadata: ReadonlyMap<string, string>,
  produce: ProduceTensor,
  options: WriteOptions = {},
): Promise<WrittenFile> {
  return writeFileAtomically(
    path,
    async (sink) => {
      const digest = new Digest();
      await writeTensors(digest.of(sink), tensors, metadata, produce, path);
      return digest.result();
    },
    options,
  );
}

/** The bytes of a safetensors file, in pieces short enough to be hashed at once. @throws as `writeSafetensors` */
export async function writeTensors(
  sink: FileSink,
  tensors: readonly TensorInfo[],
  metadata: ReadonlyMap<string, string>,
  produce: ProduceTensor,
  path: string,
): Promise<void> {
  const append = async (chunk: Uint8Array): Promise<void> => {
    for (let at = 0; at < chunk.byteLength; at += HASHED_AT_ONCE) {
      await sink.write(chunk.subarray(at, at + HASHED_AT_ONCE));
    }
  };
  await append(encodeHeader(tensors, metadata, path));
  for (const tensor of tensors) await writeTensor(tensor, produce, append, path);
}

async function writeTensor(
  tensor: TensorInfo,
  produce: ProduceTensor,
  append: (chunk: Uint8Array) => Promise<void>,
  path: string,
): Promise<void> {
  let written = 0;
  await produce(tensor, async (chunk) => {
    written += chunk.byteLength;
    if (written > tensor.byteLength) failSize(tensor, 'more', path);
    await append(chunk);
  });
  if (written < tensor.byteLength) failSize(tensor, `${written}`, path);
}

function failSize(tensor: TensorInfo, found: string, path: string): never {
  throw new RadinError(
    'FORMAT',
    `Expected ${tensor.byteLength} bytes but received ${found} for tensor ${quote(tensor.name)} of ${path}`,
  );
}

/** The length prefix and the header, padded with spaces. */
function encodeHeader(tensors: readonly TensorInfo[], metadata: ReadonlyMap<string, string>, path: string): Uint8Array {
  const entries: string[] = [];
  const names = new Set<string>([METADATA_KEY]);
  if (metadata.size > 0) {
    const texts = [...metadata].map(([key, text]) => `${encodeText(key, path)}:${encodeText(text, path)}`);
    entries.push(`"${METADATA_KEY}":{${texts.join(',')}}`);
  }
  let begin = 0;
  for (const { name, dtype, shape, byteLength } of tensors) {
    if (names.has(name)) fail(`a name that is not taken but received tensor ${quote(name)}`, path);
    names.add(name);
    if (tensorBytes(dtype, shape) !== byteLength) {
      fail(`the bytes of ${dtype} ${formatShape(shape)} but received ${byteLength} for tensor ${quote(name)}`, path);
    }
    const offsets = `[${begin},${begin + byteLength}]`;
    entries.push(
      `${encodeText(name, path)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":${offsets}}`,
    );
    begin += byteLength;
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > LONGEST_HEADER) fail(`a header of at most ${LONGEST_HEADER} bytes but received ${length}`, path);
  const header = new Uint8Array(PREFIX_BYTES + length).fill(' '.charCodeAt(0));
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, PREFIX_BYTES);
  return header;
}

function encodeText(text: string, path: string): string {
  if (/\p{Cs}/u.test(text)) fail(`text without unpaired surrogates but received ${quote(text)}`, path);
  return JSON.stringify(text);
}

function fail(expectation: string, path: string): never {
  throw new RadinError('FORMAT', `Expected ${expectation} for ${path}`);
}
