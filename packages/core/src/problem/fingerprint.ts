import { allOrNone } from '../all-or-none.js';
import { digestFile } from '../formats/index.js';
import type { Fingerprint, Json } from '../journal/index.js';
import type { Checkpoint, KnownContents, Pool } from '../pool/index.js';
import { modelId } from '../pool/index.js';
import type { SoupKeys } from '../stage2/index.js';
import type { PoolFiles } from './problem-files.js';

/** What of an open pool a run's result depends on. */
export interface FingerprintParts {
  readonly pool: Pool;
  readonly files: PoolFiles;
  readonly contents: KnownContents;
  /** The splits that are chosen by, and the one that is held out. */
  readonly soups: readonly SoupKeys[];
  readonly init: Checkpoint | undefined;
}

/**
 * The contents of all models and of the data that is chosen by, how they are run, and the metric. Of the test split no more than whether
 * there is one: nothing is chosen by it, and its evaluations are known by their own keys.
 * Cost: one read of all models that were not hashed before, of inputs and of given logits.
 * @throws RadinError; the signal's reason when aborted
 */
export async function fingerprintOf(
  { pool, files, contents, soups, init }: FingerprintParts,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Fingerprint> {
  const hashes = await allOrNone(
    pool.checkpoints,
    (model, _, signal) => contents.sha256(model, { signal }),
    options.signal,
  );
  const logits: [string, string][] = [];
  for (const path of files.logits?.validation ?? []) {
    logits.push([modelId(path), (await digestFile(path, options)).sha256]);
  }
  const splits: [string, Json][] = [];
  for (const keys of soups) {
    options.signal?.throwIfAborted();
    splits.push([keys.split.name, await keys.shared()]);
  }
  return {
    models: Object.fromEntries(pool.ids.map((id, index) => [id, hashes[index] as string])),
    order: pool.ids,
    ...(init && { init: await contents.sha256(init, options) }),
    ...(logits.length > 0 && { logits: Object.fromEntries(logits) }),
    ...Object.fromEntries(splits),
    test: files.test !== undefined,
  };
}
