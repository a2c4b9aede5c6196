import { type NpyArray, type NpyFile, openNpy } from './npy.js';
import { openNpz } from './npz.js';
import { openSafetensorsArray } from './safetensors-array.js';

/** `data.npz` or `data.safetensors`, or `data.npz:images` for one array of several; NumPy can name one by nothing. */
const OF_SEVERAL = /^(.*\.(npz|safetensors))(?::(.*))?$/is;

/** The file that holds an array, and the array's name in it where one is given. */
export function arrayPlace(source: string): { readonly path: string; readonly name?: string } {
  const [, path = source, , name] = OF_SEVERAL.exec(source) ?? [];
  return name === undefined ? { path } : { path, name };
}

/**
 * Opens an array and reads its header only.
 * @param source an `.npy` file, an `.npz` or `.safetensors` file, or `file.npz:name`, `file.safetensors:name`. @throws RadinError
 */
export function openArray(source: string): Promise<NpyFile> {
  const [, path = source, extension, name] = OF_SEVERAL.exec(source) ?? [];
  if (extension === undefined) return openNpy(path);
  return extension.toLowerCase() === 'npz' ? openNpz(path, name) : openSafetensorsArray(path, name);
}

/** Reads an array. @throws RadinError as `openArray` */
export async function readArray(source: string): Promise<NpyArray> {
  const file = await openArray(source);
  try {
    const { dtype, shape } = file;
    return { path: source, dtype, shape, data: await file.read() };
  } finally {
    await file.close();
  }
}
