import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  alignColumns,
  formatShape,
  modelId,
  type NpyFile,
  openAnyOnnx,
  openModel,
  openNpy,
  openNpzArrays,
  quote,
  RadinError,
  type TensorContent,
  type TensorFormat,
  tensorContent,
  tensorFormat,
} from '@radin/core';

const HASHED_AT_ONCE = 2 ** 30;

/** The content is absent where it is in another file. */
interface InspectedTensor extends Partial<TensorContent> {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface InspectedFile {
  readonly file: string;
  readonly format: TensorFormat | 'npy' | 'npz' | 'radin.yaml';
  readonly tensors: readonly InspectedTensor[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly config?: unknown;
}

/** The tensors of any single file of a known format. @throws RadinError */
export async function inspectFile(path: string, stateDict: string | undefined): Promise<InspectedFile> {
  const format = await formatOf(path);
  switch (format) {
    case 'npy': {
      const array = await openNpy(path);
      try {
        return { file: path, format, tensors: [{ ...(await inspectArray(array)), name: modelId(path) }] };
      } finally {
        await array.close();
      }
    }
    case 'npz': {
      const tensors: InspectedTensor[] = [];
      for await (const [name, array] of openNpzArrays(path)) tensors.push({ ...(await inspectArray(array)), name });
      return { file: path, format, tensors };
    }
    case 'onnx':
      return inspectOnnx(path);
    case 'radin.yaml':
      return {
        file: path,
        format: 'radin.yaml',
        tensors: [],
        config: (await (await import('./config.js')).loadConfig(path)).config,
      };
    case 'safetensors':
    case 'pytorch':
      return inspectCheckpoint(path, format, stateDict);
  }
}

/** An array of any size. */
async function inspectArray({ dtype, shape, blocks }: NpyFile): Promise<Omit<InspectedTensor, 'name'>> {
  const hash = createHash('sha256');
  for await (const block of blocks()) hash.update(block);
  return { dtype, shape, sha256: hash.digest('hex') };
}

/** Lists all initializers, those that are no weights too. */
async function inspectOnnx(path: string): Promise<InspectedFile> {
  const file = await openAnyOnnx(path);
  try {
    const infos = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    const tensors: InspectedTensor[] = [];
    for (const { name, dtype, shape, data } of file.graph.initializers) {
      const info = infos.get(name);
      const content = info ? await tensorContent(file, info) : data && { sha256: sha256(data) };
      tensors.push({ name, dtype, shape, ...content });
    }
    return { file: path, format: 'onnx', tensors };
  } finally {
    await file.close();
  }
}

async function inspectCheckpoint(
  path: string,
  format: TensorFormat,
  stateDict: string | undefined,
): Promise<InspectedFile> {
  const file = await openModel(path, { stateDict });
  try {
    const tensors: InspectedTensor[] = [];
    for (const tensor of file.tensors) {
      const { name, dtype, shape } = tensor;
      tensors.push({ name, dtype, shape, ...(await tensorContent(file, tensor)) });
    }
    const { metadata } = file;
    return { file: path, format, tensors, ...(metadata && { metadata: Object.fromEntries(metadata) }) };
  } finally {
    await file.close();
  }
}

/** By extension, and for others by the first bytes. */
async function formatOf(path: string): Promise<InspectedFile['format']> {
  const extension = extname(path).toLowerCase();
  if (extension === '.onnx' || extension === '.npy' || extension === '.npz') {
    return extension.slice(1) as InspectedFile['format'];
  }
  if (extension === '.yaml' || extension === '.yml') return 'radin.yaml';
  const format = await tensorFormat(path);
  if (format !== undefined) return format;
  const start = new Uint8Array(6);
  const file = await open(path);
  await file.read(start).finally(() => file.close());
  if (start[0] === 0x93 && Buffer.from(start.subarray(1, 6)).toString('latin1') === 'NUMPY') return 'npy';
  throw new RadinError(
    'FORMAT',
    `Expected a safetensors, PyTorch, ONNX, NumPy (.npy, .npz) or radin.yaml file but found another format in ${path}`,
  );
}

function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  // One call takes less than 2 GiB.
  for (let at = 0; at < bytes.byteLength; at += HASHED_AT_ONCE) hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
  return hash.digest('hex');
}

/** For people. */
export function fileText({ file, format, tensors, metadata, config }: InspectedFile): string {
  if (format === 'radin.yaml') return `${file}: a valid radin.yaml\n${JSON.stringify(config, null, 2)}`;
  const rows = tensors.map(({ name, dtype, shape, sha256: digest }) => [
    name,
    dtype,
    formatShape(shape),
    digest?.slice(0, 12) ?? 'external',
  ]);
  return [
    `${file}: ${format}, ${tensors.length} tensors`,
    ...alignColumns([['tensor', 'dtype', 'shape', 'sha256'], ...rows]),
    ...tensors
      .filter(({ firstNaN }) => firstNaN !== undefined)
      .map(
        ({ name, firstNaN }) => `NaN in tensor ${quote(name)}, first in element ${firstNaN}: no soup can be made of it`,
      ),
    ...Object.entries(metadata ?? {}).map(([key, value]) => `metadata ${key}: ${value}`),
  ].join('\n');
}
