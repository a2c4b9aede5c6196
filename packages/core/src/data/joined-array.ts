import { RadinError } from '../errors/index.js';
import {
  allocate,
  changedFile,
  type Dtype,
  dtypeBytes,
  formatShape,
  type NpyFile,
  openArray,
} from '../formats/index.js';

/** One array, or several that are parts of one, in order: each an `.npy` file, an `.npz` file or `file.npz:name`. */
export type ArrayFiles = string | readonly string[];

/** The arrays of a graph with several inputs, by its names for them. */
export type NamedArrayFiles = Readonly<Record<string, ArrayFiles>>;

/** One array, or one for each input of a graph. */
export type InputFiles = ArrayFiles | NamedArrayFiles;

/** The arrays by the graph's names, where they have any. */
export function namedArrays(files: InputFiles): NamedArrayFiles | undefined {
  return typeof files === 'string' || Array.isArray(files) ? undefined : (files as NamedArrayFiles);
}

/** All that are named, in order. */
export function arraySources(files: InputFiles): readonly string[] {
  return Object.values(namedArrays(files) ?? { '': files as ArrayFiles }).flat();
}

/** What is known of an array before its data are read. */
export interface ArrayInfo {
  /** The file's, or the first one's with the number of the others. */
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** An array in memory, row-major little-endian. */
export interface JoinedArray extends ArrayInfo {
  readonly bytes: ArrayBuffer;
}

/** Reads arrays and joins them along the first axis. Memory: the whole and one part. @throws RadinError as `joinedInfo` */
export async function readJoined(files: ArrayFiles): Promise<JoinedArray> {
  const { whole, parts } = await joinedInfo(files);
  const bytes = allocate(byteLength(whole), whole.path);
  let at = 0;
  for (const part of parts) {
    await withPart(part, async (file) => bytes.set(await file.read(), at));
    at += byteLength(part);
  }
  return { ...whole, bytes: bytes.buffer };
}

/**
 * What arrays are, and what they are joined along the first axis: reads headers only.
 * @throws RadinError where one cannot be read or has another dtype or other sizes of a sample than the first
 */
export async function joinedInfo(files: ArrayFiles): Promise<{ whole: ArrayInfo; parts: readonly ArrayInfo[] }> {
  const parts: ArrayInfo[] = [];
  for (const source of [files].flat()) {
    parts.push(await withArray(source, async ({ dtype, shape }) => ({ path: source, dtype, shape })));
  }
  return { whole: join(parts), parts };
}

/** Opens a part again and uses it. @throws RadinError where it is no longer what it was */
export function withPart<T>(part: ArrayInfo, use: (file: NpyFile) => Promise<T>): Promise<T> {
  return withArray(part.path, async (file) => {
    if (describe(file) !== describe(part)) throw changedFile(part.path);
    return use(file);
  });
}

function join(parts: readonly ArrayInfo[]): ArrayInfo {
  const [first, ...others] = parts as [ArrayInfo, ...ArrayInfo[]];
  if (others.length === 0) return first;
  const sample = (part: ArrayInfo) => `${part.dtype} [*, ${formatShape(part.shape.slice(1)).slice(1)}`;
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

function describe({ dtype, shape }: Pick<ArrayInfo, 'dtype' | 'shape'>): string {
  return `${dtype} ${formatShape(shape)}`;
}

function byteLength({ dtype, shape }: ArrayInfo): number {
  return shape.reduce((product, size) => product * size, dtypeBytes(dtype));
}

async function withArray<T>(source: string, use: (file: NpyFile) => Promise<T>): Promise<T> {
  const file = await openArray(source);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
