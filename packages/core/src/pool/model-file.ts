import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileError, RadinError } from '../errors/index.js';
import { ADAPTER_FILES, INDEX_SUFFIX, isAt, PYTORCH_INDEX_SUFFIX } from '../formats/index.js';

/** What a model is called in a folder of its own: whole, and in shards. */
const IN_FOLDER = ['model.safetensors', `model${INDEX_SUFFIX}`];

/** The same of PyTorch, for folders with neither: many have it beside safetensors, as a copy that other tools pass over too. */
const PYTORCH_IN_FOLDER = ['pytorch_model.bin', `pytorch_model${PYTORCH_INDEX_SUFFIX}`];

/** Of files that may be copies of one another, the first that is there counts. */
const CHOICES = [IN_FOLDER, PYTORCH_IN_FOLDER, ['model.onnx'], ADAPTER_FILES.slice(0, 1), ADAPTER_FILES.slice(1)];

/** Names of models in folders of their own, in the order in which they are looked for. */
export const MODEL_FILES: readonly string[] = CHOICES.flat();

/** A snapshot in a cache of the Hub. */
const SNAPSHOT = /(?:^|[/\\])models--([^/\\]+)[/\\]snapshots[/\\]([0-9a-f]{7,})(?:[/\\](.+))?$/;

/** The file of a model: `path` itself or, where that is a folder, the model in it. @throws RadinError where a folder has none or two */
export async function modelFile(path: string): Promise<string> {
  const file = await modelFileIn(path);
  if (file !== undefined) return file;
  const names = `${IN_FOLDER.join(', ')}, ${PYTORCH_IN_FOLDER[0]} or model.onnx`;
  throw new RadinError('FILE', `Expected a model (${names}) in the folder ${path} but found none`);
}

/** The same; undefined for a folder without a model. */
export async function modelFileIn(path: string): Promise<string | undefined> {
  const status = await stat(path).catch((error: unknown) => {
    throw fileError('read', path, error);
  });
  if (!status.isDirectory()) return path;
  for (const names of CHOICES) {
    const found: string[] = [];
    for (const name of names) if (await isAt(join(path, name))) found.push(name);
    if (found.length > 1) {
      throw new RadinError('FILE', `Expected one model in the folder ${path} but found ${found.join(' and ')}`);
    }
    if (found[0] !== undefined) return join(path, found[0]);
  }
  return undefined;
}

/** Whether the file is called as a model in a folder of its own is. */
export function isInOwnFolder(path: string): boolean {
  return MODEL_FILES.includes(basename(path));
}

/**
 * A model's id: its file's name without extension, or the name of the folder that is its own; in a cache of the Hub the repository's name
 * and the beginning of the revision's, `org/name@0123abc`.
 */
export function modelId(path: string): string {
  const name = basename(path);
  if (isInOwnFolder(path)) {
    const folder = dirname(resolve(path));
    return snapshotName(folder) ?? basename(folder);
  }
  const suffix = [INDEX_SUFFIX, PYTORCH_INDEX_SUFFIX].find((end) => name.endsWith(end)) ?? extname(path);
  return basename(name, suffix);
}

/** What a folder in a cache of the Hub is called there; undefined for other folders. */
function snapshotName(folder: string): string | undefined {
  const [, , revision, inside] = SNAPSHOT.exec(folder) ?? [];
  const repository = hubRepository(folder);
  if (repository === undefined || revision === undefined) return undefined;
  return `${repository}@${revision.slice(0, 7)}${inside === undefined ? '' : `/${inside}`}`;
}

/** The repository, `org/name`, of a folder that is a snapshot in a cache of the Hub; undefined for other folders. */
export function hubRepository(folder: string): string | undefined {
  return SNAPSHOT.exec(folder)?.[1]?.split('--').join('/');
}
