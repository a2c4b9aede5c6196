import { holdOut, readSplit, type Split } from '../data/index.js';
import { Random, STREAMS } from '../random.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/** Reads the splits that the options ask for and the pool has, and takes the hold-out from the validation samples. @throws RadinError */
export async function openSplits(
  files: PoolFiles,
  { splits: wanted = ['validation', 'test'], holdOut: nested }: Pick<ProblemOptions, 'splits' | 'holdOut'>,
): Promise<Split[]> {
  const splits: Split[] = [];
  for (const name of wanted) {
    const paths = files[name];
    if (paths === undefined) continue;
    const split = await readSplit(name, paths, files.task);
    if (name === 'validation' && nested !== undefined) {
      const { kept, heldOut } = holdOut(split, nested.fraction, new Random(nested.seed, STREAMS.holdOut));
      splits.push(kept, heldOut);
    } else splits.push(split);
  }
  return splits;
}
