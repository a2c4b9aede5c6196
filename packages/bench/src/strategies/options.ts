import { parseArgs } from 'node:util';
import { integer, parsed, UsageError } from '../command-line.js';
import { budgetList, POOL_OPTIONS, type PoolOptions, poolOptions } from '../pool-options.js';
import { DEFAULT_STRATEGY, STRATEGIES } from './strategies.js';

export const STRATEGIES_USAGE = `options of strategies:
  --pool DIR …         pools to compare on, folders with a radin.yaml that names a test split (tools/pools makes some)
  --budgets B,…        numbers of evaluations (default: 1,3,5,10,25)
  --seeds S            candidate seeds of every strategy that draws (default: 20)
  --splits R           random splits of each pool's samples into validation and test (default: 20)
  --quick              3 seeds, 4 splits, and no brute force
  --only NAME,…        these strategies and the one compared with: ${STRATEGIES.map(({ name }) => name).join(', ')}
  --against NAME       the strategy that the others are compared with (default: ${DEFAULT_STRATEGY})
  --no-brute-force     does not evaluate all soups of pools of up to 13 models
  --cache DIR          keeps what was evaluated there and takes from there what is known
  --threads T          default: all cores
  --json FILE          writes the environment and all figures
`;

export interface StrategiesOptions extends PoolOptions {
  readonly command: 'strategies';
  readonly budgets: readonly number[];
  readonly seeds: number;
  readonly splits: number;
  readonly only: readonly string[] | undefined;
  readonly against: string;
  readonly bruteForce: boolean;
}

/** @throws UsageError */
export function strategiesOptions(args: readonly string[]): StrategiesOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...POOL_OPTIONS,
        budgets: { type: 'string', default: '1,3,5,10,25' },
        seeds: { type: 'string' },
        splits: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        against: { type: 'string', default: DEFAULT_STRATEGY },
        'no-brute-force': { type: 'boolean', default: false },
      },
    }),
  );
  const { quick, only, against } = values;
  const count = (text: string | undefined, usual: number, option: string) =>
    text === undefined ? usual : integer(text, 1, 1000, option);
  return {
    command: 'strategies',
    ...poolOptions(values, positionals),
    budgets: budgetList(values.budgets),
    seeds: count(values.seeds, quick ? 3 : 20, '--seeds'),
    splits: count(values.splits, quick ? 4 : 20, '--splits'),
    only: only?.split(',').map((name) => strategyNamed(name, '--only')),
    against: strategyNamed(against, '--against'),
    bruteForce: !quick && !values['no-brute-force'],
  };
}

function strategyNamed(name: string, option: string): string {
  if (STRATEGIES.some((strategy) => strategy.name === name)) return name;
  const known = STRATEGIES.map((strategy) => strategy.name).join(', ');
  throw new UsageError(`Expected one of ${known} for ${option} but found ${JSON.stringify(name)}`);
}
