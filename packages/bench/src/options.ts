import { parseArgs } from 'node:util';
import { fileToWrite, integer, parsed, UsageError } from './command-line.js';
import { ESTIMATES_USAGE, type EstimatesOptions, estimatesOptions } from './estimates/options.js';
import { experimentsOf, SIZES, type SizeName } from './experiments/index.js';
import { PAPER_USAGE, type PaperOptions, paperOptions } from './paper/options.js';
import { SOUPING_USAGE, type SoupingOptions, soupingOptions } from './souping/options.js';
import { STRATEGIES_USAGE, type StrategiesOptions, strategiesOptions } from './strategies/options.js';

export const USAGE = `usage: npm run bench -- kernels [options]     times the kernels against the memory's limit and their peers
       npm run bench -- strategies --pool DIR…   compares ways to find a soup on pools, over many splits and seeds
       npm run bench -- estimates --pool DIR…    compares what stage 1 orders soups by with their real scores
       npm run bench -- souping [options]        times whole searches against PyTorch programs that do the same job
       npm run bench -- paper [--pool DIR]       the paper's tables and figures of a pool
       npm run bench -- table FILE [--into DOC]  turns the JSON of a run into Markdown

options of kernels:
  --size small|paper   13 models of some million weights (default), or of 88 million and logits of 13 × 25,600 × 1,000
  --quick              fewer and shorter runs: below 2 minutes at the small size
  --only ID,…          these experiments alone: ${experimentsOf('small')
    .map(({ id }) => id)
    .join(', ')}
  --rounds R           counted runs of each contender (default: 9, or 3 with --quick)
  --seed S             of the data (default: 0)
  --no-peers           without numpy and torch
  --json FILE          writes the environment and all times
  --save               the same, to packages/bench/results/kernels-MACHINE.json

${STRATEGIES_USAGE}
${ESTIMATES_USAGE}
${SOUPING_USAGE}
${PAPER_USAGE}
options of table:
  --into DOC           replaces what is between <!-- kernels --> and <!-- /kernels -->, or of the other run’s name, in this
                       file, instead of printing; of paper between <!-- paper:POOL --> and <!-- /paper:POOL -->
`;

export interface KernelsOptions {
  readonly command: 'kernels';
  readonly size: SizeName;
  readonly quick: boolean;
  readonly only: readonly string[] | undefined;
  readonly rounds: number;
  readonly seed: number;
  readonly peers: boolean;
  readonly json: string | undefined;
  readonly save: boolean;
}

export interface TableOptions {
  readonly command: 'table';
  readonly file: string;
  readonly into: string | undefined;
}

/** @throws UsageError */
export function parseOptions(
  args: readonly string[],
):
  | KernelsOptions
  | StrategiesOptions
  | EstimatesOptions
  | SoupingOptions
  | PaperOptions
  | TableOptions
  | { readonly command: 'help' } {
  const [command, ...rest] = args;
  if (command === '--help' || command === '-h') return { command: 'help' };
  if (command === 'kernels') return kernelsOptions(rest);
  if (command === 'strategies') return strategiesOptions(rest);
  if (command === 'estimates') return estimatesOptions(rest);
  if (command === 'souping') return soupingOptions(rest);
  if (command === 'paper') return paperOptions(rest);
  if (command === 'table') return tableOptions(rest);
  throw new UsageError(
    command === undefined
      ? 'Expected an experiment, kernels, strategies, estimates, souping or paper, or table but found none'
      : `Expected kernels, strategies, estimates, souping, paper or table but found ${JSON.stringify(command)}`,
  );
}

function kernelsOptions(args: readonly string[]): KernelsOptions {
  const { values } = parsed(() =>
    parseArgs({
      args: [...args],
      options: {
        size: { type: 'string', default: 'small' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '0' },
        'no-peers': { type: 'boolean', default: false },
        json: { type: 'string' },
        save: { type: 'boolean', default: false },
      },
    }),
  );
  const { size, quick } = values;
  if (!Object.hasOwn(SIZES, size)) {
    throw new UsageError(`Expected small or paper for --size but found ${JSON.stringify(size)}`);
  }
  const known = experimentsOf('small').map(({ id }) => id);
  const only = values.only?.split(',');
  const unknown = only?.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new UsageError(`Expected one of ${known.join(', ')} for --only but found ${JSON.stringify(unknown)}`);
  }
  return {
    command: 'kernels',
    size: size as SizeName,
    quick,
    only,
    rounds: values.rounds === undefined ? (quick ? 3 : 9) : integer(values.rounds, 1, 1000, '--rounds'),
    seed: integer(values.seed, 0, 2 ** 31, '--seed'),
    peers: !values['no-peers'],
    json: fileToWrite(values.json, '--json'),
    save: values.save,
  };
}

function tableOptions(args: readonly string[]): TableOptions {
  const { values, positionals } = parsed(() =>
    parseArgs({ args: [...args], options: { into: { type: 'string' } }, allowPositionals: true }),
  );
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    throw new UsageError(`Expected one JSON file for table but found ${positionals.length}`);
  }
  return { command: 'table', file, into: values.into };
}
