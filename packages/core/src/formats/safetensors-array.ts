import { chooseNamed } from './named-array.js';
import type { NpyFile } from './npy.js';
import { allocate } from './regular-file.js';
import { openSafetensors } from './safetensors-reader.js';

/** Bytes that are read at a time: elements of every size fit in whole. */
const BLOCK_BYTES = 4 * 2 ** 20;

/**
 * Opens one tensor of a safetensors file as an array and reads the file's header only.
 * @param name may be left out where the file holds only one tensor
 * @throws RadinError where there is no such tensor, or as `openSafetensors`
 */
export async function openSafetensorsArray(path: string, name: string | undefined): Promise<NpyFile> {
  const file = await openSafetensors(path);
  try {
    const tensor = chooseNamed(new Map(file.tensors.map((one) => [one.name, one])), name, path);
    const { dtype, shape, byteLength } = tensor;
    const range = file.range(tensor.name);
    return {
      path,
      dtype,
      shape,
      range,
      place: async () => ({ path, offset: range.offset, stamp: await file.stamp() }),
      read: async () => {
        const data = allocate(byteLength, path);
        await file.read(tensor.name, data);
        return data;
      },
      blocks: async function* () {
        const block = new Uint8Array(Math.min(BLOCK_BYTES, byteLength));
        for (let at = 0; at < byteLength; at += block.byteLength) {
          const part = block.subarray(0, byteLength - at);
          await file.read(tensor.name, part, at);
          yield part;
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
