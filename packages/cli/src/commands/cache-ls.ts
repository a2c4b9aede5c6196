import { type CacheEntry, listEntries } from '@radin/core/cache';
import type { Command } from 'commander';
import type { CacheCommandOptions } from '../options/common-options.js';
import { cacheFolder } from '../run/cache-folder.js';
import type { CommandContext } from '../run/run-context.js';

/** Characters of a name that tell entries apart. */
const SHORT_NAME = 12;

export function addCacheLs(cache: Command, { print, printJson }: CommandContext): void {
  cache
    .command('ls')
    .description('what is kept: kind, bytes and last use of every entry, and totals')
    .action(async (options: CacheCommandOptions) => {
      const { path: folder } = cacheFolder(options.cache);
      const entries = await listEntries(folder);
      if (options.json) printJson({ folder, entries: entries.map(described), ...totals(entries) });
      else print([...entries.map(line), ...summary(entries, folder)].join('\n'));
    });
}

function described({ name, kind, bytes, lastUse }: CacheEntry) {
  return { name, kind: kind ?? null, bytes, lastUse: new Date(lastUse).toISOString() };
}

function line({ name, kind, bytes, lastUse }: CacheEntry): string {
  const when = new Date(lastUse).toISOString().slice(0, 19).replace('T', ' ');
  return `${name.slice(0, SHORT_NAME)}  ${when}Z  ${String(bytes).padStart(12)}  ${kind ?? 'unreadable'}`;
}

function totals(entries: readonly CacheEntry[]): { count: number; bytes: number } {
  return { count: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** A line for each kind and one for all. */
function summary(entries: readonly CacheEntry[], folder: string): string[] {
  const kinds = [...new Set(entries.map(({ kind }) => kind))].sort();
  const rows = [
    ...kinds.map((kind) => [kind ?? 'unreadable', totals(entries.filter((entry) => entry.kind === kind))] as const),
    ['all', totals(entries)] as const,
  ];
  return [
    ...(entries.length > 0 ? [''] : []),
    folder,
    ...rows.map(([name, { count, bytes }]) => `  ${name.padEnd(12)}${count} entries, ${bytes} bytes`),
  ];
}
