import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import type { PaperResult } from '../../src/paper/result.js';
import { poolFolder } from '../soups/pools.js';

const folder = temporaryFolder();
const relu = poolFolder(folder, { models: 5, samples: 60, hidden: 6, classes: 4, noise: 1.5, seed: 6 });

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

it('the command prints tables, writes one document, and it goes into another', async () => {
  const out = join(mkdtempSync(join(folder, 'out-')), 'new');
  const { status, stdout, stderr } = bench(
    'paper',
    '--pool',
    (await relu).folder,
    '--quick',
    '--threads',
    '1',
    '--out',
    out,
  );
  expect(stderr).toMatch(/: RADIN, λ = 0: done\n/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ +RADIN, λ = 0 +25 +\d+\.\d\d ± \d+\.\d\d +\d+\.\d\d ± \d+\.\d\d/m);
  expect(stdout).toMatch(/Spearman of the estimate on validation and the real score on test/);
  const file = join(out, 'paper.json');
  const result = JSON.parse(readFileSync(file, 'utf8')) as PaperResult;
  expect(result).toMatchObject({
    experiment: 'paper',
    schema: 1,
    settings: { seeds: 3, candidates: 100, budgets: [1, 5, 25] },
  });
  expect(readFileSync(join(out, 'figures', 'table-1.csv'), 'utf8')).toMatch(/^method,budget,validation/);
  expect(existsSync(join(out, 'report.html'))).toBe(true);
  // Evaluations are kept beside it.
  expect(existsSync(join(out, 'evaluations', result.pool.content))).toBe(true);
  const document = join(folder, 'document.md');
  writeFileSync(document, 'before\n<!-- paper -->\n<!-- /paper -->\nafter\n');
  expect(bench('table', file, '--into', document).status).toBe(0);
  expect(readFileSync(document, 'utf8')).toMatch(
    /^before\n.*\n\| greedy \| 25 \| \d+\.\d\d \| \d+\.\d\d \|.*\nafter\n$/s,
  );
  writeFileSync(file, JSON.stringify({ ...result, schema: 2 }));
  expect(bench('table', file).stderr).toMatch(/^bench: error: Expected schema 1 .* found 2 in .*\n$/);
});

it.each<[string[], RegExp]>([
  [['--pool', 'nowhere'], /a radin\.yaml but found: .*nowhere/],
  [['--pool', '.', 'other'], /one folder for --pool but found 2/],
  [['--seeds', '0'], /integer from 1 to 1000 for --seeds but found "0"/],
  [['--candidates', 'many'], /integer from 1 to 10000 for --candidates but found "many"/],
  [['--budgets', '1,x'], /for --budgets but found "x"/],
  [['--brute-force'], /--out or --cache with --brute-force but found neither/],
  [['--splits', '3'], /Unknown option '--splits'/],
  [['--out', '/dev/null/x'], /write to the folder \/dev\/null\/x but found: ENOTDIR/],
])('%j is refused in one line', (args, message) => {
  const { status, stdout, stderr } = bench('paper', ...args);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^bench: error: .*\n$/);
  expect([status, stdout]).toEqual([2, '']);
});

it('a pool that is scored by something else than accuracy is refused', async () => {
  const { folder: path } = await poolFolder(folder, { models: 2, samples: 20 });
  const yaml = join(path, 'radin.yaml');
  writeFileSync(yaml, `${readFileSync(yaml, 'utf8')}metric: cross-entropy\n`);
  const { status, stderr } = bench('paper', '--pool', path);
  expect(stderr).toMatch(/^bench: error: Expected a pool whose metric is accuracy .* found cross-entropy.*\n$/);
  expect(status).toBe(2);
});
