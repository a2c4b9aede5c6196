import { basename, resolve } from 'node:path';
import {
  ADAPTIVE_SAMPLERS,
  backendNamed,
  type Mixture,
  measureGeometry,
  monteCarlo,
  proposeCandidates,
  spearman,
} from '@radin/core';
import { describeEnvironment } from '../environment.js';
import type { Environment } from '../result.js';
import type { Outcome } from '../soups/outcome.js';
import { readPoolFolder } from '../soups/pool-folder.js';
import { drawSplit } from '../soups/random-split.js';
import { SoupMemory } from '../soups/soup-memory.js';
import { meanOver, SplitReplay } from '../soups/split-replay.js';
import { readUnion } from '../soups/union.js';
import { mean } from '../statistics.js';
import { adaptiveStarts, meanStart } from './adaptive-starts.js';
import { ESTIMATORS } from './estimators.js';
import type { EstimatesOptions } from './options.js';
import type { EstimateRow, EstimatesResult, PoolEstimates, StartRow } from './result.js';

/** The paper's candidates (RADIN, 4.1) and those of the adaptive search, each sampler's as many as in the paper. */
const CANDIDATES = {
  samplers: [monteCarlo, ...ADAPTIVE_SAMPLERS],
  candidates: 200,
  seed: 0,
  includeUniform: true,
};

/** Soups that are asked for at once. */
const TOGETHER = 64;

export interface EstimatesEvents {
  onEnvironment(environment: Environment): void;
  onProgress(text: string): void;
  onResult(result: PoolEstimates): void;
}

/** Every estimate against the real scores of the same soups, over random splits of each pool's samples. */
export async function compareEstimates(options: EstimatesOptions, events: EstimatesEvents): Promise<EstimatesResult> {
  const environment = describeEnvironment(undefined);
  events.onEnvironment(environment);
  const pools: PoolEstimates[] = [];
  for (const folder of options.pools) {
    const pool = basename(resolve(folder));
    const result = await comparePool(pool, folder, options, (text) => events.onProgress(`${pool}: ${text}`));
    events.onResult(result);
    pools.push(result);
  }
  return { experiment: 'estimates', splits: options.splits, environment, pools };
}

async function comparePool(
  pool: string,
  folder: string,
  { cache, threads, splits }: EstimatesOptions,
  onProgress: (text: string) => void,
): Promise<PoolEstimates> {
  const files = readPoolFolder(folder);
  const union = await readUnion(folder, files);
  const memory = await SoupMemory.open(files, union, { backend: backendNamed('auto'), threads, cache });
  try {
    const geometry = (await measureGeometry(memory.pool.checkpoints, memory.backend)).whole;
    const drawn = Array.from({ length: splits }, (_, seed) => drawSplit(union.labels, union.validationSamples, seed));
    let mixtures: readonly Mixture[] = [];
    let outcomes: readonly Outcome[] = [];
    const rows: EstimateRow[][] = [];
    const starts: StartRow[][] = [];
    const best: number[] = [];
    for (const [split, samples] of drawn.entries()) {
      const replay = new SplitReplay(memory, samples.validation);
      try {
        const ensemble = await replay.ensemble();
        if (split === 0) {
          const proposal = await proposeCandidates(memory.pool.size, CANDIDATES, ensemble);
          mixtures = proposal.mixtures.filter(({ size }) => size > 1);
          outcomes = await evaluated(memory, mixtures, onProgress);
        }
        const validation = outcomes.map(({ rightAsObserved }) => meanOver(samples.validation, rightAsObserved));
        const test = outcomes.map(({ right }) => meanOver(samples.test, right));
        best.push(validation.reduce((most, score) => Math.max(most, score), 0));
        const known = { ensemble, geometry, individual: await replay.individualScores() };
        const found: EstimateRow[] = [];
        for (const { name, of } of ESTIMATORS) found.push(rowOf(name, await of(mixtures, known), validation, test));
        rows.push(found);
        starts.push(await adaptiveStarts(memory, replay, samples, geometry));
      } finally {
        await replay.dispose();
      }
      onProgress(`${split + 1} of ${splits} splits`);
    }
    return {
      pool,
      models: memory.pool.size,
      classes: memory.classes,
      samples: { validation: union.validationSamples, test: union.samples - union.validationSamples },
      soups: mixtures.length,
      best: mean(best),
      rows: ESTIMATORS.map((_, index) => meanRow(rows.map((found) => found[index] as EstimateRow))),
      starts: (starts[0] ?? []).map((_, index) => meanStart(starts.map((found) => found[index] as StartRow))),
    };
  } finally {
    await memory.dispose();
  }
}

async function evaluated(
  memory: SoupMemory,
  mixtures: readonly Mixture[],
  onProgress: (text: string) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let start = 0; start < mixtures.length; start += TOGETHER) {
    outcomes.push(...(await memory.outcomes(mixtures.slice(start, start + TOGETHER))));
    onProgress(`${outcomes.length} of ${mixtures.length} soups`);
  }
  return outcomes;
}

function rowOf(
  estimate: string,
  values: ArrayLike<number>,
  validation: readonly number[],
  test: readonly number[],
): EstimateRow {
  const byScore = [...validation.keys()].sort((a, b) => (validation[b] as number) - (validation[a] as number));
  const top = byScore.slice(0, Math.ceil(byScore.length / 5));
  const order = [...validation.keys()].sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  const at = (list: ArrayLike<number>) => (index: number) => list[index] as number;
  return {
    estimate,
    validation: spearman(values, validation).rho,
    test: spearman(values, test).rho,
    amongBest: spearman(top.map(at(values)), top.map(at(validation))).rho,
    first: validation[order[0] as number] as number,
    bestOfTen: Math.max(...order.slice(0, 10).map(at(validation))),
    testOfFirst: test[order[0] as number] as number,
  };
}

/** Of one estimate, over splits or over pools. */
export function meanRow(rows: readonly EstimateRow[]): EstimateRow {
  const over = (value: (row: EstimateRow) => number) => mean(rows.map(value));
  return {
    estimate: (rows[0] as EstimateRow).estimate,
    validation: over(({ validation }) => validation),
    test: over(({ test }) => test),
    amongBest: over(({ amongBest }) => amongBest),
    first: over(({ first }) => first),
    bestOfTen: over(({ bestOfTen }) => bestOfTen),
    testOfFirst: over(({ testOfFirst }) => testOfFirst),
  };
}
