import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { integer, parsed, UsageError } from '../command-line.js';

export const ESTIMATES_USAGE = `options of estimates:
  --pool DIR …         as for strategies
  --splits R           random splits of each pool's samples into validation and test (default: 6)
  --cache DIR, --threads T, --json FILE   as for strategies
`;

export interface EstimatesOptions {
  readonly command: 'estimates';
  readonly pools: readonly string[];
  readonly splits: number;
  readonly cache: string | undefined;
  readonly threads: number;
  readonly json: string | undefined;
}

/** @throws UsageError */
export function estimatesOptions(args: readonly string[]): EstimatesOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        pool: { type: 'string', multiple: true, default: [] },
        splits: { type: 'string', default: '6' },
        cache: { type: 'string' },
        threads: { type: 'string' },
        json: { type: 'string' },
      },
    }),
  );
  // Folders that the shell has put after the first one of --pool.
  const pools = [...values.pool, ...positionals];
  if (pools.length === 0) throw new UsageError('Expected at least one folder for --pool but found none');
  const { cache, json, threads } = values;
  return {
    command: 'estimates',
    pools,
    splits: integer(values.splits, 1, 1000, '--splits'),
    cache,
    threads: threads === undefined ? availableParallelism() : integer(threads, 1, 1000, '--threads'),
    json,
  };
}
