import { pruneEntries } from '@radin/core/cache';
import { RadinError } from '@radin/core/errors';
import type { Command } from 'commander';
import type { CacheCommandOptions } from '../options/common-options.js';
import { byteCount, nonNegative } from '../options/option-values.js';
import { cacheFolder } from '../run/cache-folder.js';
import type { CommandContext } from '../run/run-context.js';

const DAY = 86_400_000;

interface PruneCommandOptions extends CacheCommandOptions {
  readonly olderThan?: number;
  readonly maxSize?: number;
}

export function addCachePrune(cache: Command, { print, printJson }: CommandContext): void {
  cache
    .command('prune')
    .description('remove entries, the least recently used first')
    .option('--older-than <days>', 'those that no run has used for so many days', nonNegative)
    .option('--max-size <size>', 'as many as keep the rest within a size such as 500M, 20GB or 4GiB', byteCount)
    .action(async (options: PruneCommandOptions) => {
      const { olderThan, maxSize } = options;
      if (olderThan === undefined && maxSize === undefined) {
        throw new RadinError('CONFIG', 'Expected --older-than or --max-size for what to remove but found neither');
      }
      const { path: folder } = cacheFolder(options.cache);
      const removed = await pruneEntries(folder, {
        ...(olderThan !== undefined && { usedBefore: Date.now() - olderThan * DAY }),
        ...(maxSize !== undefined && { mostBytes: maxSize }),
      });
      const bytes = removed.reduce((sum, entry) => sum + entry.bytes, 0);
      if (options.json) printJson({ folder, removed: removed.map(({ name }) => name), bytes });
      else print(`removed ${removed.length} entries, ${bytes} bytes, from ${folder}`);
    });
}
