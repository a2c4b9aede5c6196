import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ContentCache, listEntries } from '@radin/core/cache';
import { RadinError } from '@radin/core/errors';

/** The folder of results of earlier runs, and whether the user has named it. */
interface CacheFolder {
  readonly path: string;
  readonly named: boolean;
}

/** `--cache`, else `$RADIN_CACHE_DIR`, else `$XDG_CACHE_HOME/radin`, else `~/.cache/radin`. @throws RadinError for an empty `--cache` */
export function cacheFolder(flag: string | undefined): CacheFolder {
  const { RADIN_CACHE_DIR: own, XDG_CACHE_HOME: shared } = process.env;
  if (flag === '') throw new RadinError('CONFIG', 'Expected the name of a folder for --cache but found ""');
  const named = flag ?? (own || undefined);
  if (named !== undefined) return { path: named, named: true };
  // The specification of XDG_CACHE_HOME has relative paths ignored.
  const parent = shared && isAbsolute(shared) ? shared : join(homedir(), '.cache');
  return { path: join(parent, 'radin'), named: false };
}

/**
 * The cache that the options ask for. Where the usual folder cannot be used, a notice says so and there is none.
 * @param readOnly of an empty or missing folder there is none, and nothing is made
 * @throws RadinError where a folder that the user named cannot be used
 */
export async function openCache(
  option: string | false | undefined,
  notice: (text: string) => void,
  readOnly = false,
): Promise<ContentCache | undefined> {
  if (option === false) return undefined;
  const { path, named } = cacheFolder(option);
  if (readOnly && (await listEntries(path)).length === 0) return undefined;
  const onFailure = (message: string) => notice(`note: results are not kept for later runs from here on: ${message}`);
  try {
    return await ContentCache.open(path, { onFailure });
  } catch (error) {
    if (named || !(error instanceof RadinError)) throw error;
    notice(`note: results are not kept for later runs: ${error.message}`);
    return undefined;
  }
}
