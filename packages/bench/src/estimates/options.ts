import { parseArgs } from 'node:util';
import { integer, parsed } from '../command-line.js';
import { POOL_OPTIONS, type PoolOptions, poolOptions } from '../pool-options.js';

export const ESTIMATES_USAGE = `options of estimates:
  --pool DIR …         as for strategies
  --splits R           random splits of each pool's samples into validation and test (default: 6)
  --cache DIR, --threads T, --json FILE   as for strategies
`;

export interface EstimatesOptions extends PoolOptions {
  readonly command: 'estimates';
  readonly splits: number;
}

/** @throws UsageError */
export function estimatesOptions(args: readonly string[]): EstimatesOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...POOL_OPTIONS, splits: { type: 'string', default: '6' } },
    }),
  );
  return {
    command: 'estimates',
    ...poolOptions(values, positionals),
    splits: integer(values.splits, 1, 1000, '--splits'),
  };
}
