import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { compareEstimates } from '../../src/estimates/compare-estimates.js';
import { ESTIMATORS } from '../../src/estimates/estimators.js';
import { estimatesOptions } from '../../src/estimates/options.js';
import type { EstimatesResult } from '../../src/estimates/result.js';
import { poolFolder } from '../soups/pools.js';

const folder = temporaryFolder();
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

async function compare(...args: string[]): Promise<EstimatesResult> {
  const options = estimatesOptions(['--threads', '1', '--splits', '2', ...args]);
  return compareEstimates(options, { onEnvironment: () => {}, onProgress: () => {}, onResult: () => {} });
}

it('the metric orders soups of a linear network as their scores do, and no estimate finds more than the best', async () => {
  const { folder: linear } = await poolFolder(folder, { models: 4, samples: 80, classes: 4, noise: 1.5, seed: 2 });
  const [{ rows, best } = expect.fail()] = (await compare('--pool', linear)).pools;
  expect(rows.map(({ estimate }) => estimate)).toEqual(ESTIMATORS.map(({ name }) => name));
  const [metric = expect.fail()] = rows;
  expect([metric.estimate, metric.validation, metric.amongBest]).toEqual(['metric', 1, 1]);
  expect([metric.first, metric.bestOfTen]).toEqual([best, best]);
  for (const { first, bestOfTen } of rows) {
    expect(first).toBeLessThanOrEqual(bestOfTen);
    expect(bestOfTen).toBeLessThanOrEqual(best);
  }
});

it('the JSON of a run becomes tables in a document', async () => {
  const pool = await poolFolder(folder, { models: 4, samples: 60, hidden: 5, classes: 3, noise: 1.5, seed: 4 });
  const json = join(folder, 'estimates.json');
  const { status, stdout } = bench(
    'estimates',
    '--pool',
    pool.folder,
    '--splits',
    '2',
    '--threads',
    '1',
    '--json',
    json,
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/smoothed-accuracy, τ = 0.25 +[−\d.]+/);
  const document = join(folder, 'document.md');
  writeFileSync(document, 'a\n<!-- estimates -->\nold\n<!-- /estimates -->\nz\n');
  expect(bench('table', json, '--into', document).status).toBe(0);
  const text = readFileSync(document, 'utf8');
  expect(text).toMatch(/^a\n<!-- estimates -->\n[\s\S]*\| metric \|[\s\S]*<!-- \/estimates -->\nz\n$/);
  expect(text).not.toContain('old');
  expect(bench('estimates').stderr).toBe(
    'bench: error: Expected at least one folder for --pool but found none; --help lists the options\n',
  );
});
