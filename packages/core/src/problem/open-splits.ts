import { holdOut, readSplit, type Split } from '../data/index.js';
import { Random, STREAMS } from '../random.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/**
 * Reads what choices are made by: the validation split and, taken from it, the samples that are held out. The test split is read only
 * where it alone is wanted, so that nothing is chosen. @throws RadinError
 */
export async function openSplits(
  files: PoolFiles,
  { splits: wanted = ['validation'], holdOut: nested }: Pick<ProblemOptions, 'splits' | 'holdOut'>,
): Promise<Split[]> {
  if (!wanted.includes('validation')) {
    const test = await openTestSplit(files);
    return test === undefined ? [] : [test];
  }
  const split = await readSplit('validation', files.validation, files.task);
  if (nested === undefined) return [split];
  try {
    const { kept, heldOut } = holdOut(split, nested.fraction, new Random(nested.seed, STREAMS.holdOut));
    return [kept, heldOut];
  } catch (error) {
    split.inputs.close();
    throw error;
  }
}

/** Reads the test split, where the pool has one. @throws RadinError */
export async function openTestSplit({ test, task }: PoolFiles): Promise<Split | undefined> {
  return test && readSplit('test', test, task);
}
