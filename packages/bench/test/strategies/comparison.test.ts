import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { compareStrategies } from '../../src/strategies/compare-strategies.js';
import { strategiesOptions } from '../../src/strategies/options.js';
import type { StrategiesResult } from '../../src/strategies/result.js';
import { STRATEGIES } from '../../src/strategies/strategies.js';
import { poolFolder } from '../soups/pools.js';

const folder = temporaryFolder();
const relu = poolFolder(folder, { models: 5, samples: 90, hidden: 6, classes: 4, noise: 1.5, seed: 6 });

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

async function compare(...args: string[]): Promise<StrategiesResult> {
  const options = strategiesOptions(['--threads', '1', '--budgets', '1,4', '--seeds', '3', '--splits', '4', ...args]);
  return compareStrategies(options, { onEnvironment: () => {}, onProgress: () => {}, onResult: () => {} });
}

it('every strategy has a cell at every budget, and no cell is above the best of all soups', async () => {
  const { pools } = await compare('--pool', (await relu).folder);
  const [{ cells, bestKnown, samples, reach } = expect.fail()] = pools;
  expect(cells.map(({ strategy, budget }) => `${strategy} ${budget}`)).toEqual(
    STRATEGIES.flatMap(({ name }) => [`${name} 1`, `${name} 4`]),
  );
  expect([bestKnown.exhaustive, samples]).toEqual([true, { validation: 90, test: 90 }]);
  // All uniform subsets, and the weighted mixtures of adaptive.
  expect(bestKnown.soups).toBeGreaterThanOrEqual(31);
  for (const { valScore, testScore, evaluations, budget } of cells) {
    // Means of equal numbers of terms differ in their last bits.
    expect(valScore).toBeLessThanOrEqual(bestKnown.valScore + 1e-12);
    expect(testScore).toBeLessThanOrEqual(bestKnown.highestTestScore + 1e-12);
    expect(evaluations).toBeLessThanOrEqual(budget);
  }
  expect(reach.map(({ strategy }) => strategy)).toEqual(STRATEGIES.map(({ name }) => name));
  const score = (strategy: string, budget: number) =>
    cells.find((cell) => cell.strategy === strategy && cell.budget === budget)?.valScore as number;
  // Greedy's first step is the best individual, and what is free is one step ahead.
  expect(score('greedy', 1)).toBe(score('best-individual', 1));
  expect(score('greedy-first-free', 1)).toBe(score('top-k', 1));
  expect(score('greedy-first-free', 4)).toBeGreaterThanOrEqual(score('greedy', 4));
});

it('differences are those of the means, with the sign of the strategy compared with', async () => {
  const { pools } = await compare('--pool', (await relu).folder, '--against', 'uniform', '--only', 'radin,greedy');
  const cells = pools[0]?.cells ?? [];
  expect(new Set(cells.map(({ strategy }) => strategy))).toEqual(new Set(['uniform', 'greedy', 'radin']));
  for (const { strategy, budget, difference, valScore, testScore } of cells) {
    const own = cells.find((cell) => cell.strategy === 'uniform' && cell.budget === budget);
    if (strategy === 'uniform') expect(difference).toBeUndefined();
    else {
      expect(difference?.validation.mean).toBeCloseTo((own?.valScore as number) - valScore, 12);
      expect(difference?.test.mean).toBeCloseTo((own?.testScore as number) - testScore, 12);
      expect(difference?.test.samplingError).toBeGreaterThan(0);
    }
  }
});

it('a run with everything remembered finds the same', async () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  const args = ['--pool', (await relu).folder, '--cache', cache];
  expect((await compare(...args)).pools).toEqual((await compare(...args)).pools);
});

it('the command prints tables, writes its figures, and they go into a document', async () => {
  const json = join(folder, 'run.json');
  const { status, stdout } = bench('strategies', '--pool', (await relu).folder, '--quick', '--json', json);
  expect(status).toBe(0);
  expect(stdout).toMatch(/pool-\w+: 5 models, 90 \+ 90 samples, 4 classes/);
  expect(stdout).toMatch(/^ +greedy( +\d+\.\d\d \/ \d+\.\d\d){5}$/m);
  const document = join(folder, 'document.md');
  writeFileSync(document, 'before\n<!-- strategies -->\n<!-- /strategies -->\nafter\n');
  expect(bench('table', json, '--into', document).status).toBe(0);
  expect(readFileSync(document, 'utf8')).toMatch(
    /^before\n.*\n\| greedy( \| \d+\.\d\d \/ \d+\.\d\d){5} \|\n.*\nafter\n$/s,
  );
});

it.each<[string[], RegExp]>([
  [[], /one folder for --pool but found none/],
  [['--pool', 'nowhere'], /a radin\.yaml but found: .*nowhere/],
  [['--pool', '.', '--only', 'best'], /one of best-individual, .* for --only but found "best"/],
  [['--pool', '.', '--budgets', '0'], /integer from 1 to 10000 for --budgets but found "0"/],
])('%j is refused in one line', (args, message) => {
  const { status, stdout, stderr } = bench('strategies', ...args);
  expect(status).toBe(2);
  expect(stdout).not.toMatch(/Validation/);
  expect(stderr).toMatch(/^bench: error: .*\n$/);
  expect(stderr).toMatch(message);
});
