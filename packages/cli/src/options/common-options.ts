import type { Command } from 'commander';

/** Values of the options that every command has. */
export interface CommonOptions {
  readonly json?: true;
  readonly quiet?: true;
}

/** Options of everything that looks after the cache. */
export interface CacheCommandOptions extends CommonOptions {
  readonly cache?: string;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON object to standard output and nothing else there')
    .option('--quiet', 'no progress and no notices')
    .option('--debug', 'show where an error comes from');
}

export function withCacheFolder(command: Command): Command {
  return command.option(
    '--cache <folder>',
    'where logits and evaluations are kept for later runs (default: $RADIN_CACHE_DIR, else $XDG_CACHE_HOME/radin, else ~/.cache/radin)',
  );
}
