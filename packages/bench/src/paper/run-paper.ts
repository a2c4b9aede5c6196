import { join } from 'node:path';
import { CONFIDENCE, type MemoryMeter, type Mixture } from '@radin/core';
import { describeEnvironment } from '../environment.js';
import { type AllSubsets, allSubsets, checkBruteForce } from './all-subsets.js';
import type { SubsetCounts } from './all-subsets-file.js';
import { PaperBench, type PaperEvents, type PaperPool } from './bench.js';
import { pooledCandidates, rankScores, type ScoredSoup, seedCandidates } from './candidates.js';
import { budgetCurves } from './curves.js';
import { LAMBDA } from './methods.js';
import { CURVE_BUDGET, type PaperChoices } from './options.js';
import { PAPER_SCHEMA, type PaperResult } from './result.js';
import { sizeScores } from './spread.js';
import { tableRows } from './table-rows.js';
import { describedRuns, tableChoices } from './table-runs.js';

/** Bytes. */
interface LimitedMemory extends Pick<MemoryMeter, 'peak' | 'isOfAll'> {
  readonly predicted: number;
  readonly allowed: number;
}

export interface PaperRunResult {
  readonly result: PaperResult;
  /** Where all subsets are known. */
  readonly subsets?: SubsetCounts;
  /** Where it is limited: what was taken. */
  readonly memory?: LimitedMemory;
}

/**
 * The paper's tables and figures of one pool, on its own splits: validation chooses, test reports. All searches of all budgets
 * and seeds ask one memory, so no soup is evaluated twice, and none that the cache folder has.
 * @param knownSubsets further files in which the scores of all subsets may be
 * @throws RadinError; the signal's reason once it is aborted
 */
export async function runPaper(
  pool: PaperPool,
  choices: PaperChoices,
  events: PaperEvents,
  knownSubsets: readonly string[] = [],
): Promise<PaperRunResult> {
  if (choices.bruteForce) checkBruteForce(pool.files.models.length);
  const environment = describeEnvironment(undefined);
  const bench = await PaperBench.open(pool, choices, events);
  try {
    const seeds: ScoredSoup[][] = [];
    for (let seed = 0; seed < choices.seeds; seed++) {
      events.signal?.throwIfAborted();
      seeds.push(await bench.candidates(seed));
    }
    const curves = await budgetCurves(bench, choices.seeds);
    const mixtures = seeds.map((soups) => soups.map(({ mixture }): Mixture => mixture));
    const { chosen, notices } = await tableChoices(bench, mixtures);
    // Last, since what it evaluates is not remembered.
    const { folderPath } = bench.memory;
    const files = [...(folderPath === undefined ? [] : [join(folderPath, 'all-subsets.gz')]), ...knownSubsets];
    const subsets = await allSubsets(bench, files, choices.bruteForce);
    const runs = await describedRuns(bench, [...chosen, ...(subsets?.chosen ?? [])]);
    const { secondsPerEvaluation, samples, reported } = bench;
    const rows = tableRows(runs, { samples: samples[reported], secondsPerEvaluation });
    const result: PaperResult = {
      experiment: 'paper',
      schema: PAPER_SCHEMA,
      environment,
      ...(await facts(bench, pool)),
      rows,
      runs,
      ...figures(bench, seeds),
      curves,
      ...(subsets && { allSubsets: subsets.result }),
      notices: [...notices, ...noticesOf(bench)],
    };
    return { result, ...withCounts(subsets), ...withMemory(bench) };
  } finally {
    await bench.dispose();
  }
}

function withCounts(subsets: AllSubsets | undefined): { subsets?: SubsetCounts } {
  return subsets === undefined ? {} : { subsets: subsets.counts };
}

function withMemory({ memory }: PaperBench): { memory?: LimitedMemory } {
  const { meter, plan } = memory.memory;
  if (plan === undefined) return {};
  const { peak, isOfAll } = meter;
  return { memory: { peak, isOfAll, predicted: plan.predicted, allowed: plan.maxMemory } };
}

async function facts(
  bench: PaperBench,
  pool: PaperPool,
): Promise<Pick<PaperResult, 'pool' | 'settings' | 'reported' | 'cost'>> {
  const { memory, choices, samples, reported, includeUniform } = bench;
  const { budgets, seeds, candidates } = choices;
  const soups = (await memory.known()).filter(({ key }) => key.includes('+')).length;
  return {
    pool: {
      name: pool.name,
      content: memory.content,
      models: memory.pool.ids,
      classes: memory.classes,
      metric: 'accuracy',
      samples: { validation: samples.validation, ...(reported === 'test' && { test: samples.test }) },
    },
    settings: {
      budgets,
      seeds,
      candidates,
      includeUniform,
      lambda: LAMBDA,
      curveBudget: CURVE_BUDGET,
      confidence: CONFIDENCE,
    },
    reported,
    cost: {
      soups,
      evaluated: memory.evaluated,
      threads: memory.threads,
      secondsPerEvaluation: bench.secondsPerEvaluation,
      measured: memory.pace.soups,
      geometrySeconds: bench.geometrySeconds,
    },
  };
}

function figures(bench: PaperBench, seeds: readonly (readonly ScoredSoup[])[]) {
  const { poolSize } = bench;
  const distinct = [...new Map(seeds.flat().map((soup) => [soup.mixture.key, soup])).values()];
  const described = seeds.map((soups, seed) => seedCandidates(seed, poolSize, soups, LAMBDA));
  return {
    seeds: described,
    pooled: pooledCandidates(poolSize, described, distinct, LAMBDA),
    ranks: rankScores(seeds, LAMBDA),
    sizes: sizeScores(distinct.map(({ mixture, score }) => ({ size: mixture.size, score }))),
  };
}

function noticesOf({ test, choices, includeUniform, poolSize }: PaperBench): string[] {
  return [
    ...(test === undefined
      ? [
          'the pool has no test split: every score is a validation score, which flatters what was chosen by it, and there is no oracle',
        ]
      : []),
    ...(includeUniform && !choices.includeUniform
      ? [`the uniform soup is a candidate, since a pool of ${poolSize} has no other subset that the paper would draw`]
      : []),
  ];
}

/** What to say of a run that was interrupted. @param cache the folder that kept its evaluations */
export function howToGoOn(cache: string | undefined): string {
  return cache === undefined
    ? 'without --out or --cache its evaluations are lost'
    : `the same command goes on from the evaluations in ${cache}`;
}
