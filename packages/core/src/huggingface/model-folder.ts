import { basename, dirname, join, relative, sep } from 'node:path';
import { quote, RadinError } from '../errors/index.js';
import { isAdapterFile, isAt, readJsonObject, realPathAt, withRegularFile } from '../formats/index.js';
import { type Checkpoint, FileCheckpoint, hubRepository, isInOwnFolder } from '../pool/index.js';

/** What a model folder has beside the weights, by its file names: what says how they are built, and how inputs become tensors. */
export const COMPANIONS: readonly string[] = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'video_preprocessor_config.json',
  'processor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'bpe.codes',
  'normalizer.json',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'sentencepiece.model',
  'source.spm',
  'target.spm',
  'tekken.json',
  'LICENSE',
  'LICENSE.txt',
  'LICENSE.md',
  'NOTICE',
];

/** The largest companions are tokenizers of some 30 MB. */
const LONGEST_COMPANION = 2 ** 27;

/** Keys of `config.json` in which models of one pool may differ: where they come from, and what wrote them. */
const INCIDENTAL = ['_name_or_path', 'transformers_version', 'torch_dtype', 'dtype'];

/** The folder of a model that has a `config.json` beside its weights, as transformers keeps models; undefined for other files. */
async function modelFolder(path: string): Promise<string | undefined> {
  if (!isInOwnFolder(path) || isAdapterFile(path)) return undefined;
  const folder = dirname(path);
  return (await isAt(join(folder, 'config.json'))) ? folder : undefined;
}

/**
 * The folders of models, for adapters those of their base model; undefined where one of them has none.
 */
export async function modelFolders(models: readonly Checkpoint[]): Promise<readonly string[] | undefined> {
  const folders: string[] = [];
  for (const model of models) {
    if (!(model instanceof FileCheckpoint)) return undefined;
    const folder = await modelFolder(model.base ?? model.path);
    if (folder === undefined) return undefined;
    folders.push(folder);
  }
  return folders;
}

/** What a folder is called on a model card: the repository's name on the Hub, or the folder's. */
export function folderName(folder: string): string {
  return hubRepository(folder) ?? basename(folder);
}

/** One line for each difference between the `config.json` of models that is more than where they come from. @throws RadinError where one cannot be read */
export async function configNotices(folders: readonly string[]): Promise<string[]> {
  const [first, ...others] = [...new Set(folders)];
  if (first === undefined) return [];
  const expected = await readJsonObject(join(first, 'config.json'));
  const notices: string[] = [];
  for (const folder of others) {
    const found = await readJsonObject(join(folder, 'config.json'));
    const keys = new Set([...Object.keys(expected), ...Object.keys(found)]);
    const different = [...keys].filter((key) => !INCIDENTAL.includes(key) && !isEqual(expected[key], found[key]));
    if (different.length === 0) continue;
    notices.push(
      `config.json of ${folderName(folder)} differs from that of ${folderName(first)} in ${different.map(quote).join(', ')}: a soup has the first ingredient's`,
    );
  }
  return notices;
}

/** Values of JSON, whatever the order of keys. */
function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [x, y] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(x);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(y).length &&
    keys.every((key) => Object.hasOwn(y, key) && isEqual(x[key], y[key]))
  );
}

/**
 * A companion's bytes; undefined where the folder has none of that name.
 * @throws RadinError where it is large, or a link that leads out of the folder, other than to the blobs of its repository in a cache of the Hub
 */
export async function readCompanion(folder: string, name: string): Promise<Uint8Array | undefined> {
  const path = join(folder, name);
  const [target, root] = [await realPathAt(path), await realPathAt(folder)];
  if (target === undefined || root === undefined) return undefined;
  const inside = (parent: string) => !relative(parent, target).startsWith(`..${sep}`) && parent !== target;
  const blobs = hubRepository(root) && join(root.slice(0, root.lastIndexOf(`${sep}snapshots${sep}`)), 'blobs');
  if (!inside(root) && !(blobs && inside(blobs))) {
    throw new RadinError('FILE', `Expected files of a model in its folder but found a link out of it: ${path}`);
  }
  return withRegularFile(path, async (file) => {
    if (file.size > LONGEST_COMPANION) {
      throw new RadinError('FILE', `Expected at most ${LONGEST_COMPANION} bytes but found ${file.size} in ${path}`);
    }
    const bytes = new Uint8Array(file.size);
    await file.read(bytes, 0);
    return bytes;
  });
}
