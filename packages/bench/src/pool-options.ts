import { availableParallelism } from 'node:os';
import { fileToWrite, integer, UsageError } from './command-line.js';

/** How `parseArgs` takes the options of every comparison on pools. */
export const POOL_OPTIONS = {
  pool: { type: 'string', multiple: true, default: [] as string[] },
  cache: { type: 'string' },
  threads: { type: 'string' },
  json: { type: 'string' },
} as const;

export interface PoolOptions {
  readonly pools: readonly string[];
  readonly cache: string | undefined;
  readonly threads: number;
  readonly json: string | undefined;
}

/** @param positionals folders that the shell has put after the first one of --pool. @throws UsageError */
export function poolOptions(
  { pool, cache, threads, json }: { pool: string[]; cache?: string; threads?: string; json?: string },
  positionals: readonly string[],
): PoolOptions {
  const pools = [...pool, ...positionals];
  if (pools.length === 0) throw new UsageError('Expected at least one folder for --pool but found none');
  return {
    pools,
    cache,
    threads: threads === undefined ? availableParallelism() : integer(threads, 1, 1000, '--threads'),
    json: fileToWrite(json, '--json'),
  };
}

/** Numbers of evaluations, separated by commas, each once. @throws UsageError */
export function budgetList(text: string): number[] {
  return [...new Set(text.split(',').map((part) => integer(part, 1, 10_000, '--budgets')))];
}
