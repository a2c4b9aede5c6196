import type { Bank } from '@radin/native';
import { makeLogits } from '../data/logits.js';
import type { Entrant, Experiment } from '../experiment.js';
import { timed } from '../interleave.js';
import { limitOf } from '../limit.js';
import { allSubsets, openBank, openBankOfFiles } from '../ours.js';
import { describeLogits, memoryOf, type ScoringSize } from './scoring.js';

/** The pass over the logits that makes a bank, from memory and from files in the page cache. */
export function bankOf(size: ScoringSize): Experiment {
  return {
    id: 'bank',
    title: 'One pass over the logits: the bank',
    data: describeLogits(size),
    memory: memoryOf(size),
    prepare: async ({ folder, seed }) => {
      const pool = makeLogits(size.models, size.samples, size.classes, { seed });
      const files = folder.write('logits', pool.logits);
      return {
        bytes: { read: 4 * size.models * size.samples * size.classes, write: 0 },
        entrants: [
          limitOf(pool.logits),
          ours('bank from memory', async (threads) => (await openBank(pool, threads)).close()),
          ours('bank from files in the page cache', async (threads) =>
            (await openBankOfFiles(files, pool, threads)).close(),
          ),
        ],
        differ: () => undefined,
        dispose: () => folder.clear(),
      };
    },
  };
}

/** All subsets of a pool, from its bank, against the pass that makes the bank. */
export function allSubsetsOf(size: ScoringSize): Experiment {
  const { models, samples, classes } = size;
  return {
    id: `all-subsets-${models}`,
    title: `All 2^${models} subsets`,
    data: describeLogits(size),
    memory: 4 * samples * classes * (models + 3),
    prepare: async ({ seed, threadCounts }) => {
      const pool = makeLogits(models, samples, classes, { seed });
      const bank: Bank = await openBank(pool, threadCounts.at(-1) as number);
      return {
        bytes: { read: 4 * models * samples * classes, write: 0 },
        entrants: [
          limitOf(pool.logits),
          ours('bank', async (threads) => (await openBank(pool, threads)).close()),
          ours('all subsets of the bank', (threads) => allSubsets(bank, threads)),
        ],
        differ: () => undefined,
        dispose: () => bank.close(),
      };
    },
  };
}

function ours(name: string, run: (threads: number) => Promise<unknown>): Entrant {
  return { name: `radin: ${name}`, side: 'ours', steps: 1, run: (threads) => timed(() => run(threads))(1) };
}
