import { type NpyArray, type NpyFile, openNpy } from './npy.js';
import { openNpz } from './npz.js';

/** `data.npz`, or `data.npz:images` for one array of several. */
const ARCHIVED = /^(.*\.npz)(?::(.+))?$/is;

/** The file that holds an array, and the array's name in it where one is given. */
export function arrayPlace(source: string): { readonly path: string; readonly name?: string } {
  const [, path = source, name] = ARCHIVED.exec(source) ?? [];
  return name === undefined ? { path } : { path, name };
}

/** Opens a NumPy array and reads its header only. @param source an `.npy` file, an `.npz` file, or `file.npz:name`. @throws RadinError */
export function openArray(source: string): Promise<NpyFile> {
  const { path, name } = arrayPlace(source);
  return ARCHIVED.test(source) ? openNpz(path, name) : openNpy(path);
}

/** Reads a NumPy array. @throws RadinError as `openArray` */
export async function readArray(source: string): Promise<NpyArray> {
  const file = await openArray(source);
  try {
    const { dtype, shape } = file;
    return { path: source, dtype, shape, data: await file.read() };
  } finally {
    await file.close();
  }
}
