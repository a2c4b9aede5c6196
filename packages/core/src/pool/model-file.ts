import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileError, RadinError } from '../errors/index.js';
import { INDEX_SUFFIX } from '../formats/index.js';

/** What a model is called in a folder of its own: whole, and in shards. */
const IN_FOLDER = ['model.safetensors', `model${INDEX_SUFFIX}`];

/** The same of PyTorch and ONNX, for folders with none before: many have them beside safetensors, as copies that other tools pass over too. */
const COPIES_IN_FOLDER = ['pytorch_model.bin', 'model.onnx'];

const ALL_IN_FOLDER = [...IN_FOLDER, ...COPIES_IN_FOLDER];

/** The file of a model: `path` itself or, where that is a folder, the model in it. @throws RadinError where a folder has none or two */
export async function modelFile(path: string): Promise<string> {
  const file = await modelFileIn(path);
  if (file !== undefined) return file;
  const names = new Intl.ListFormat('en', { type: 'disjunction' }).format(ALL_IN_FOLDER);
  throw new RadinError('FILE', `Expected a model (${names}) in the folder ${path} but found none`);
}

/** The same; undefined for a folder without a model. */
export async function modelFileIn(path: string): Promise<string | undefined> {
  const status = await stat(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  if (!status.isDirectory()) return path;
  const found: string[] = [];
  for (const name of ALL_IN_FOLDER) {
    const exists = await stat(join(path, name)).then(
      () => true,
      () => false,
    );
    if (exists) found.push(name);
  }
  const [first, second] = found;
  if (second !== undefined && IN_FOLDER.includes(second)) {
    throw new RadinError('FILE', `Expected one model in the folder ${path} but found ${IN_FOLDER.join(' and ')}`);
  }
  return first && join(path, first);
}

/** A model's id: its file's name without extension, or the name of the folder that is its own. */
export function modelId(path: string): string {
  const name = basename(path);
  if (ALL_IN_FOLDER.includes(name)) return basename(dirname(resolve(path)));
  return name.endsWith(INDEX_SUFFIX) ? name.slice(0, -INDEX_SUFFIX.length) : basename(path, extname(path));
}
