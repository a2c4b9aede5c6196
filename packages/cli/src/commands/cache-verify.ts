import { verifyEntries } from '@radin/core/cache';
import { RadinError } from '@radin/core/errors';
import type { Command } from 'commander';
import type { CacheCommandOptions } from '../options/common-options.js';
import { cacheFolder } from '../run/cache-folder.js';
import type { CommandContext } from '../run/run-context.js';

export function addCacheVerify(cache: Command, { signal, print, printJson }: CommandContext): void {
  cache
    .command('verify')
    .description('compare every entry with its checksum; damaged ones are named and removed, and the exit code is 2')
    .action(async (options: CacheCommandOptions) => {
      const { path: folder } = cacheFolder(options.cache);
      const { sound, damaged } = await verifyEntries(folder, { signal });
      if (options.json) printJson({ folder, sound, damaged });
      else
        print(
          [...damaged.map((name) => `damaged, removed: ${name}`), `${sound} sound entries in ${folder}`].join('\n'),
        );
      // No run reads a damaged entry, but a disk that damages files is worth an exit code.
      if (damaged.length > 0) {
        throw new RadinError(
          'FORMAT',
          `Expected sound entries only but found ${damaged.length} damaged ones, now removed, in ${folder}`,
        );
      }
    });
}
