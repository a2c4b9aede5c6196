import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fileToWrite, integer, parsed, UsageError } from '../command-line.js';

export const SOUPING_USAGE = `options of souping:
  --pool DIR           the pool, a folder with a radin.yaml that names a test split (default: examples/digits)
  --module FILE:NAME   its network for PyTorch: what NAME of this Python file makes of the number of classes
                       (default: that of examples/digits, tools/training/transformer.py:PatchTransformer)
  --budget B           soups that RADIN evaluates (default: 25)
  --candidates C       that it draws (default: 200)
  --seed S             of the candidates (default: 0)
  --rounds R           counted runs of each contender (default: 5)
  --threads T,…        numbers of threads, each a row (default: 1 and all cores)
  --batch SIZE         samples per forward pass of the peers (default: 128)
  --no-peers           without torch
  --json FILE          writes the environment, all times and what was found
`;

export interface SoupingOptions {
  readonly command: 'souping';
  readonly pool: string;
  readonly module: string;
  readonly budget: number;
  readonly candidates: number;
  readonly seed: number;
  readonly rounds: number;
  readonly threadCounts: readonly number[];
  readonly batch: number;
  readonly peers: boolean;
  readonly json: string | undefined;
}

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** @throws UsageError */
export function soupingOptions(args: readonly string[]): SoupingOptions {
  const { values } = parsed(() =>
    parseArgs({
      args: [...args],
      options: {
        pool: { type: 'string', default: fromRoot('examples/digits') },
        module: { type: 'string', default: fromRoot('tools/training/transformer.py:PatchTransformer') },
        budget: { type: 'string', default: '25' },
        candidates: { type: 'string', default: '200' },
        seed: { type: 'string', default: '0' },
        rounds: { type: 'string', default: '5' },
        threads: { type: 'string', default: `1,${availableParallelism()}` },
        batch: { type: 'string', default: '128' },
        'no-peers': { type: 'boolean', default: false },
        json: { type: 'string' },
      },
    }),
  );
  if (!/^.+:[^:/]+$/.test(values.module)) {
    throw new UsageError(`Expected FILE:NAME for --module but found ${JSON.stringify(values.module)}`);
  }
  return {
    command: 'souping',
    pool: values.pool,
    module: values.module,
    budget: integer(values.budget, 1, 10_000, '--budget'),
    candidates: integer(values.candidates, 1, 1000, '--candidates'),
    seed: integer(values.seed, 0, 2 ** 31, '--seed'),
    rounds: integer(values.rounds, 1, 1000, '--rounds'),
    threadCounts: [...new Set(values.threads.split(',').map((text) => integer(text, 1, 1000, '--threads')))],
    batch: integer(values.batch, 1, 1_000_000, '--batch'),
    peers: !values['no-peers'],
    json: fileToWrite(values.json, '--json'),
  };
}
