import type { Command } from 'commander';
import { withCacheFolder, withCommonOptions } from '../options/common-options.js';
import type { CommandContext } from '../run/run-context.js';
import { addCacheLs } from './cache-ls.js';
import { addCachePrune } from './cache-prune.js';
import { addCacheVerify } from './cache-verify.js';

export function addCache(cache: Command, context: CommandContext): void {
  cache.addHelpText('after', '\nExample:\n  radin cache prune --max-size 10GB');
  addCacheLs(cache, context);
  addCacheVerify(cache, context);
  addCachePrune(cache, context);
  for (const command of cache.commands) withCommonOptions(withCacheFolder(command));
}
