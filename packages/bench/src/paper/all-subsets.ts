import { Mixture, RadinError, selectBest } from '@radin/core';
import type { Outcome } from '../soups/outcome.js';
import { readSubsetCounts, type SubsetCounts, UNKNOWN, writeSubsetCounts } from './all-subsets-file.js';
import type { PaperBench } from './bench.js';
import { correlationOf, countsOf, type ScoredSoup, sizeTestOf } from './candidates.js';
import { countedProgress } from './counted-progress.js';
import { LAMBDA } from './methods.js';
import type { AllSubsetsResult, PaperMethod } from './result.js';
import { sizeScores } from './spread.js';
import type { Chosen } from './table-runs.js';

/** Largest pool of which all subsets are evaluated: 65,535 soups. */
const MOST_MODELS = 16;
const TOGETHER = 32;
/** Seconds of work that an interruption can lose. */
const SAVE_AFTER = 30;

export interface AllSubsets {
  readonly counts: SubsetCounts;
  readonly result: AllSubsetsResult;
  /** The best by validation, and where there is a test split the best by test. */
  readonly chosen: readonly Chosen[];
}

/**
 * The real scores of all 2^N − 1 subsets: those that a file or the memory has, and where `evaluate` says so the others.
 * @param files where counts of earlier runs may be; the first is written to
 * @returns undefined where they are not all known
 */
export async function allSubsets(
  bench: PaperBench,
  files: readonly string[],
  evaluate: boolean,
): Promise<AllSubsets | undefined> {
  const { poolSize, samples, memory } = bench;
  if (poolSize > MOST_MODELS) return undefined;
  const owner = { content: memory.content, models: poolSize, samples };
  const counts = {
    owner,
    validation: new Uint32Array(2 ** poolSize).fill(UNKNOWN),
    test: new Uint32Array(2 ** poolSize).fill(UNKNOWN),
  };
  for (const file of files) addKnown(counts, readSubsetCounts(file, owner));
  const missing = Array.from({ length: 2 ** poolSize - 1 }, (_, index) => index + 1).filter(
    (mask) => counts.validation[mask] === UNKNOWN,
  );
  if (missing.length > 0 && !evaluate) return undefined;
  await evaluateMissing(bench, counts, missing, files[0]);
  return describe(bench, counts);
}

/** @throws RadinError for a pool of which this is too much */
export function checkBruteForce(models: number): void {
  if (models <= MOST_MODELS) return;
  throw new RadinError(
    'CONFIG',
    `Expected a pool of at most ${MOST_MODELS} models for --brute-force but found ${models}`,
  );
}

function addKnown(counts: SubsetCounts, found: SubsetCounts | undefined): void {
  if (found === undefined) return;
  for (const [mask, count] of found.validation.entries()) {
    if (count === UNKNOWN) continue;
    counts.validation[mask] = count;
    counts.test[mask] = found.test[mask] as number;
  }
}

async function evaluateMissing(
  bench: PaperBench,
  counts: SubsetCounts,
  missing: readonly number[],
  file: string | undefined,
): Promise<void> {
  if (missing.length === 0) return;
  const told = countedProgress('all subsets', missing.length, (text) => bench.progress(text));
  let saved = performance.now();
  const save = async () => {
    if (file !== undefined) await writeSubsetCounts(file, counts);
    saved = performance.now();
  };
  try {
    for (let start = 0; start < missing.length; start += TOGETHER) {
      const masks = missing.slice(start, start + TOGETHER);
      const mixtures = masks.map((mask) => subsetOf(bench.poolSize, mask));
      const outcomes = await bench.memory.passingOutcomes(mixtures, bench.signal);
      for (const [index, mask] of masks.entries()) {
        const { validation, test } = countsOf(outcomes[index] as Outcome, bench.samples.validation);
        counts.validation[mask] = validation;
        counts.test[mask] = test;
      }
      told(start + masks.length);
      if (performance.now() - saved > 1000 * SAVE_AFTER) await save();
    }
  } finally {
    await save();
  }
}

async function describe(bench: PaperBench, counts: SubsetCounts): Promise<AllSubsets> {
  const { poolSize } = bench;
  const masks = Array.from({ length: 2 ** poolSize - 1 }, (_, index) => index + 1);
  const mixtures = masks.map((mask) => subsetOf(poolSize, mask));
  const approx = await bench.validation.approxScores(mixtures);
  const soups = masks.map((mask, index) => {
    const found = { validation: counts.validation[mask] as number, test: counts.test[mask] as number };
    return bench.scoredSoup(mixtures[index] as Mixture, approx[index] as number, found);
  });
  const sized = soups.map(({ mixture, score }) => ({ size: mixture.size, score }));
  const sizeTest = sizeTestOf(poolSize, sized);
  const best = (method: PaperMethod, passes: number, score: (soup: ScoredSoup) => number): Chosen => {
    const { mixture } = selectBest(
      soups.map((soup) => ({ mixture: soup.mixture, approxScore: soup.approx, rank: 1, score: score(soup) })),
    );
    const evaluations = soups.length;
    return { method, budget: null, seed: null, mixture, evaluations, passes: evaluations * passes, stage1Seconds: 0 };
  };
  return {
    counts,
    result: {
      count: soups.length,
      withoutPrior: correlationOf(soups, 0),
      withPrior: correlationOf(soups, LAMBDA),
      ...(sizeTest && { sizeTest }),
      sizes: sizeScores(sized),
    },
    chosen: [
      best('best-subset', 1, ({ validation }) => validation),
      ...(bench.test === undefined ? [] : [best('oracle-subset', bench.testPasses, ({ score }) => score)]),
    ],
  };
}

/** The uniform subset of the models whose bits are set. */
function subsetOf(poolSize: number, mask: number): Mixture {
  return Mixture.uniform(
    poolSize,
    [...Array(poolSize).keys()].filter((model) => (mask >>> model) & 1),
  );
}
