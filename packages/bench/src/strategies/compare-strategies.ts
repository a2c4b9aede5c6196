import { basename, resolve } from 'node:path';
import { backendNamed, Mixture, subsets } from '@radin/core';
import { describeEnvironment } from '../environment.js';
import type { Environment } from '../result.js';
import { readPoolFolder } from '../soups/pool-folder.js';
import { SoupMemory } from '../soups/soup-memory.js';
import { readUnion } from '../soups/union.js';
import type { StrategiesOptions } from './options.js';
import type { PoolResult, StrategiesResult } from './result.js';
import { runPool } from './run-pool.js';
import { STRATEGIES } from './strategies.js';
import { bestKnown, reachOf, summarise } from './summary.js';

/** Largest pool of which all uniform subsets are evaluated: 8,191 soups. */
const MOST_MODELS_FOR_ALL_SOUPS = 13;
/** Soups that are asked for at once. */
const TOGETHER = 256;

export interface StrategiesEvents {
  onEnvironment(environment: Environment): void;
  onProgress(text: string): void;
  onResult(result: PoolResult): void;
}

/** Every strategy on every pool, over random splits of its samples and seeds of the strategies. */
export async function compareStrategies(
  options: StrategiesOptions,
  events: StrategiesEvents,
): Promise<StrategiesResult> {
  const environment = describeEnvironment(undefined);
  events.onEnvironment(environment);
  const pools: PoolResult[] = [];
  for (const folder of options.pools) {
    const result = await comparePool(folder, options, (text) => events.onProgress(`${nameOf(folder)}: ${text}`));
    events.onResult(result);
    pools.push(result);
  }
  const { seeds, splits, budgets, against } = options;
  return { experiment: 'strategies', seeds, splits, budgets, against, environment, pools };
}

async function comparePool(
  folder: string,
  options: StrategiesOptions,
  onProgress: (text: string) => void,
): Promise<PoolResult> {
  const { cache, threads, seeds, splits, budgets, against, only, bruteForce } = options;
  const files = readPoolFolder(folder);
  const union = await readUnion(folder, files);
  const memory = await SoupMemory.open(files, union, { backend: backendNamed('auto'), threads, cache });
  try {
    const size = memory.pool.size;
    const exhaustive = bruteForce && size <= MOST_MODELS_FOR_ALL_SOUPS;
    if (exhaustive) await evaluateAll(memory, onProgress);
    const strategies = STRATEGIES.filter(({ name }) => only === undefined || name === against || only.includes(name));
    const { runs, splits: drawn } = await runPool(memory, {
      strategies,
      budgets,
      seeds,
      splits,
      onSplit: (done) => onProgress(`${done} of ${splits} splits, ${memory.evaluated} soups evaluated`),
    });
    const known = await memory.known();
    const { targets, ...best } = bestKnown(known, drawn);
    return {
      pool: nameOf(folder),
      models: size,
      classes: memory.classes,
      samples: { validation: union.validationSamples, test: union.samples - union.validationSamples },
      noisyLabels: union.observed !== union.labels,
      bestKnown: { soups: known.length, exhaustive, ...best },
      cells: summarise(runs, drawn, against),
      reach: reachOf(runs, targets),
    };
  } finally {
    await memory.dispose();
  }
}

async function evaluateAll(memory: SoupMemory, onProgress: (text: string) => void): Promise<void> {
  const { size } = memory.pool;
  const all = Array.from(subsets(size), (members) => Mixture.uniform(size, members));
  for (let start = 0; start < all.length; start += TOGETHER) {
    await memory.outcomes(all.slice(start, start + TOGETHER));
    onProgress(`${Math.min(start + TOGETHER, all.length)} of ${all.length} soups`);
  }
}

function nameOf(folder: string): string {
  return basename(resolve(folder));
}
