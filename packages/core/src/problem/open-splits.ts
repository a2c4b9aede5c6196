import { holdOut, readSplit, type Split } from '../data/index.js';
import { Random, STREAMS } from '../random.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/** Reads the splits that the options ask for and the pool has, and takes the hold-out from the validation samples. @throws RadinError */
export async function openSplits(
  files: PoolFiles,
  { splits: wanted = ['validation', 'test'], holdOut: nested }: Pick<ProblemOptions, 'splits' | 'holdOut'>,
): Promise<Split[]> {
  const splits: Split[] = [];
  try {
    for (const name of wanted) {
      const paths = files[name];
      if (paths === undefined) continue;
      const split = await readSplit(name, paths, files.task);
      splits.push(split);
      if (name !== 'validation' || nested === undefined) continue;
      const { kept, heldOut } = holdOut(split, nested.fraction, new Random(nested.seed, STREAMS.holdOut));
      splits.splice(-1, 1, kept, heldOut);
    }
    return splits;
  } catch (error) {
    for (const { inputs } of splits) inputs.close();
    throw error;
  }
}
