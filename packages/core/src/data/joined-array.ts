import { RadinError } from '../errors/index.js';
import { type Dtype, dtypeBytes, formatShape, type NpyFile, openArray } from '../formats/index.js';

/** One array, or several that are parts of one, in order: each an `.npy` file, an `.npz` file or `file.npz:name`. */
export type ArrayFiles = string | readonly string[];

/** An array in shared memory, row-major little-endian. */
export interface JoinedArray {
  /** The file's, or the first one's with the number of the others. */
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: SharedArrayBuffer;
}

type Info = Omit<JoinedArray, 'bytes'>;

/**
 * Reads arrays and joins them along the first axis. Memory: the whole and one part.
 * @param check is shown dtype and shape of the whole before any data is read
 * @throws RadinError where one cannot be read or has another dtype or other sizes of a sample than the first; what `check` throws
 */
export async function readJoined(files: ArrayFiles, check: (whole: Info) => void = () => {}): Promise<JoinedArray> {
  const parts = await headersOf(files);
  const whole = join(parts);
  check(whole);
  const bytes = allocateShared(byteLength(whole), whole.path);
  let at = 0;
  for (const part of parts) {
    await withArray(part.path, async (file) => {
      if (describe(file) !== describe(part)) {
        throw new RadinError('FILE', `Expected a file that stays as it is but found a change in ${part.path}`);
      }
      new Uint8Array(bytes).set(await file.read(), at);
      at += byteLength(part);
    });
  }
  return { ...whole, bytes };
}

/** Dtype and shape of the whole, from headers only. @throws RadinError as `readJoined` */
export async function readJoinedInfo(files: ArrayFiles): Promise<Info> {
  return join(await headersOf(files));
}

async function headersOf(files: ArrayFiles): Promise<Info[]> {
  const parts: Info[] = [];
  for (const source of [files].flat()) {
    parts.push(await withArray(source, async ({ dtype, shape }) => ({ path: source, dtype, shape })));
  }
  return parts;
}

function join(parts: readonly Info[]): Info {
  const [first, ...others] = parts as [Info, ...Info[]];
  if (others.length === 0) return first;
  const sample = (part: Info) => `${part.dtype} [*, ${formatShape(part.shape.slice(1)).slice(1)}`;
  for (const part of parts) {
    if (part.shape.length > 0 && sample(part) === sample(first)) continue;
    throw new RadinError(
      'DATA',
      `Expected parts of one array, ${sample(first)} as in ${first.path}, but found ${describe(part)} in ${part.path}`,
    );
  }
  const samples = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return {
    path: `${first.path} and ${others.length} more`,
    dtype: first.dtype,
    shape: [samples, ...first.shape.slice(1)],
  };
}

function describe({ dtype, shape }: Pick<Info, 'dtype' | 'shape'>): string {
  return `${dtype} ${formatShape(shape)}`;
}

function byteLength({ dtype, shape }: Info): number {
  return shape.reduce((product, size) => product * size, dtypeBytes(dtype));
}

function allocateShared(bytes: number, path: string): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RadinError('FILE', `Expected data that fits into memory but found ${bytes} bytes in ${path}`, {
      cause: error,
    });
  }
}

async function withArray<T>(source: string, use: (file: NpyFile) => Promise<T>): Promise<T> {
  const file = await openArray(source);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
