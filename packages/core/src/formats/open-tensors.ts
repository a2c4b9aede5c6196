import { extname } from 'node:path';
import { openOnnx } from './onnx-file.js';
import { openPyTorch, type PyTorchOptions } from './pytorch-reader.js';
import { withRegularFile } from './regular-file.js';
import { INDEX_SUFFIX } from './safetensors-index.js';
import { openSafetensorsModel, safetensorsFiles } from './safetensors-shards.js';
import type { TensorFile } from './tensor-file.js';

const EXTENSIONS: ReadonlyMap<string, TensorFormat> = new Map([
  ['.safetensors', 'safetensors'],
  ['.pt', 'pytorch'],
  ['.pth', 'pytorch'],
  ['.bin', 'pytorch'],
  ['.ckpt', 'pytorch'],
  ['.onnx', 'onnx'],
]);

export type TensorFormat = 'safetensors' | 'pytorch' | 'onnx';

/** The format of a file or index of tensors, by extension, and for others by the first bytes; undefined where these are of neither. @throws RadinError `FILE` */
export async function tensorFormat(path: string): Promise<TensorFormat | undefined> {
  if (path.endsWith(INDEX_SUFFIX)) return 'safetensors';
  const named = EXTENSIONS.get(extname(path).toLowerCase());
  if (named !== undefined) return named;
  return withRegularFile(path, async (file) => {
    const start = new Uint8Array(Math.min(9, file.size));
    await file.read(start, 0);
    if (start[8] === '{'.charCodeAt(0)) return 'safetensors';
    return Buffer.from(start.subarray(0, 4)).toString('latin1') === 'PK\x03\x04' ? 'pytorch' : undefined;
  });
}

/** Whether a model's file is read as ONNX: it says so by its extension. */
export function isOnnx(path: string): boolean {
  return extname(path).toLowerCase() === '.onnx';
}

/** Opens a checkpoint of any format, as safetensors where it is of none. @throws as `openSafetensorsModel`, `openPyTorch` and `openOnnx` */
export async function openTensorFile(path: string, options: PyTorchOptions = {}): Promise<TensorFile> {
  switch (await tensorFormat(path)) {
    case 'pytorch':
      return openPyTorch(path, options);
    case 'onnx':
      return openOnnx(path);
    default:
      return openSafetensorsModel(path);
  }
}

/** The files that a model consists of: itself first, then its shards or its external data. @throws RadinError */
export async function modelFiles(path: string): Promise<string[]> {
  if (!isOnnx(path)) return safetensorsFiles(path);
  const file = await openOnnx(path);
  try {
    return [path, ...file.externalFiles];
  } finally {
    await file.close();
  }
}
