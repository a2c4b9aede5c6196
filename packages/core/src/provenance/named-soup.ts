import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RadinError } from '../errors/index.js';
import { INDEX_SUFFIX, isAdapterFile, isAt, onnxMetadata } from '../formats/index.js';
import { LOCK_FILE, RECORD_KEY, type SoupRecord } from '../mixture/index.js';
import { FileCheckpoint, modelFile, modelFileIn } from '../pool/index.js';
import { type FoundLock, findLock } from './find-lock.js';
import { type SoupSources, withPaths } from './lock.js';

/** What `search` and `compare` call a soup in the folder of their results. */
const IN_RUNS = ['soup.safetensors', `soup${INDEX_SUFFIX}`, 'soup.onnx', 'soup', 'soup-adapter'];

/** A soup that a path names, with what its lock, or else its own metadata, say of it. */
export interface NamedSoup {
  /** What to open. */
  readonly soup: string;
  /** The weights of the same soup as an adapter, where there are both. */
  readonly adapter?: string;
  readonly record: SoupRecord;
  readonly found?: FoundLock;
  /** The ingredients' models, as the lock says; undefined without one. */
  readonly models?: readonly string[];
  readonly sources: SoupSources;
}

/** Finds a soup: see `findLock`. @throws RadinError where there is none, or neither a lock nor a record in its metadata */
export async function nameSoup(path: string): Promise<NamedSoup> {
  const found = await findLock(path);
  if (found === undefined) {
    const soup = await soupFile(path);
    return { soup, record: await readRecord(soup), sources: {} };
  }
  const { lock, folder } = found;
  const inFolder = (name: string) => resolve(folder, name);
  return {
    soup: inFolder(lock.soup),
    ...(lock.adapter !== undefined && { adapter: inFolder(lock.adapter) }),
    record: lock.record,
    found,
    models: lock.ingredients.map(({ files }) => inFolder((files[0] as { path: string }).path)),
    sources: await withPaths(lock.sources, inFolder),
  };
}

/** The file of a soup that has no lock: in a folder the model of that folder, or what a run calls its soup. */
async function soupFile(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return path;
  const own = await modelFileIn(path);
  if (own !== undefined) return own;
  for (const name of IN_RUNS) {
    const found = join(path, name);
    if (await isAt(found)) return modelFile(found);
  }
  throw new RadinError('FILE', `Expected a soup, or ${LOCK_FILE} beside one, but found neither in ${path}`);
}

/** The record in a soup's metadata. @throws RadinError where it has none */
export async function readRecord(path: string): Promise<SoupRecord> {
  const model = await FileCheckpoint.open('soup', path);
  await model.close();
  const metadata = model.onnx === undefined ? model.metadata : onnxMetadata(model.onnx.parts);
  const text = metadata?.get(RECORD_KEY);
  if (text === undefined) {
    throw new RadinError(
      'FORMAT',
      `Expected a soup of RADIN, with its record in its metadata, but found none in ${path}`,
    );
  }
  const { parseRecord } = await import('./lock-schema.js');
  return parseRecord(text, path);
}

/** Whether a soup is known as an adapter alone. */
export function isAdapterAlone({ soup, sources }: Pick<NamedSoup, 'soup' | 'sources'>): boolean {
  return isAdapterFile(soup) && sources.base === undefined;
}
