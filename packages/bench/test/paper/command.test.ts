import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    '--format',
    'csv',
  );
  expect(stderr).toMatch(/: RADIN, λ = 0: done\n/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ +RADIN, λ = 0 +25 +\d+\.\d\d ± \d+\.\d\d +\d+\.\d\d ± \d+\.\d\d/m);
  expect(stdout).toMatch(/Spearman of the estimate on validation and the real score on test/);
  const file = join(out, 'paper.json');
  const result = JSON.parse(readFileSync(file, 'utf8')) as PaperResult;
  expect(result).toMatchObject({
    experiment: 'paper',
    schema: 'radin-paper-1',
    settings: { seeds: 3, candidates: 100, budgets: [1, 5, 25] },
  });
  expect(readFileSync(join(out, 'charts', 'scores.csv'), 'utf8')).toMatch(/^method,budget,validation/);
  expect(existsSync(join(out, 'report.html'))).toBe(true);
  // Evaluations are kept beside it.
  expect(existsSync(join(out, 'evaluations', result.pool.content))).toBe(true);
  const document = join(folder, 'document.md');
  const mark = `paper:${result.pool.name}`;
  writeFileSync(document, `before\n<!-- ${mark} -->\n<!-- /${mark} -->\nafter\n`);
  expect(bench('table', file, '--into', document).status).toBe(0);
  expect(readFileSync(document, 'utf8')).toMatch(
    /^before\n.*\n\| greedy \| 25 \| \d+\.\d\d \| \d+\.\d\d \|.*\nafter\n$/s,
  );
  writeFileSync(file, JSON.stringify({ ...result, schema: 'radin-paper-2' }));
  expect(bench('table', file).stderr).toMatch(
    /^bench: error: Expected the field schema of .* "radin-paper-1" but found "radin-paper-2".*\n$/,
  );
});

it.each<[string[], RegExp]>([
  [['--pool', 'nowhere'], /a radin\.yaml but found: .*nowhere/],
  [['--pool', '.', 'other'], /one folder for --pool but found 2/],
  [['--seeds', '0'], /integer from 1 to 1000 for --seeds but found "0"/],
  [['--candidates', 'many'], /integer from 1 to 10000 for --candidates but found "many"/],
  [['--budgets', '1,x'], /for --budgets but found "x"/],
  [['--brute-force'], /--out or --cache with --brute-force but found neither/],
  [['--format', 'svg,gif', '--out', 'x'], /some of svg, png, csv, json, md for --format but found "svg,gif"/],
  [['--format', 'svg'], /--out with --format but found none/],
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

it('Ctrl-C writes nothing but what later runs go on from, and says so', async () => {
  const { folder: path } = await poolFolder(folder, { models: 9, samples: 400, hidden: 8, seed: 3 });
  const out = join(mkdtempSync(join(folder, 'stopped-')), 'out');
  const child = spawn(process.execPath, [main, 'paper', '--pool', path, '--threads', '1', '--out', out]);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/seed 0: \d+ of/.test(text)) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(said).toContain(
    `bench: interrupted: no tables were written; the same command goes on from the evaluations in ${out}`,
  );
  expect(code).toBe(130);
  expect(readdirSync(out)).toEqual(['evaluations']);
});
