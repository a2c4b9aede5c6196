import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { KernelsResult } from '../src/result.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const RESULT = fileURLToPath(new URL('../results/souping-digits.json', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

it.each<[string[], RegExp]>([
  [[], /kernels, strategies, estimates, souping or paper, or table but found none/],
  [['kernel'], /kernels, strategies, estimates, souping, paper or table but found "kernel"/],
  [['kernels', '--size', 'huge'], /small or paper for --size but found "huge"/],
  [['kernels', '--only', 'average-f32,sorting'], /average-f32.* for --only but found "sorting"/],
  [['kernels', '--rounds', '0'], /integer from 1 to 1000 for --rounds but found "0"/],
  [['kernels', '--fast'], /Unknown option '--fast'/],
  [['kernels', '--json'], /'--json <value>' argument missing/],
  [['souping', '--module', 'file.py'], /FILE:NAME for --module but found "file.py"/],
  [['souping', '--pool', 'nowhere'], /a radin.yaml but found: .*nowhere/],
  [['kernels', '--json', 'nowhere/run.json'], /folder that is there for --json but found nowhere\/run\.json/],
  [['souping', '--json', '.'], /folder that is there for --json but found \./],
  [['paper', '--json', 'package.json/run.json'], /folder that is there for --json but found package\.json\/run\.json/],
  [['table', RESULT, '--into', 'nowhere.md'], /a document for --into but found: .*nowhere\.md/],
  [['table'], /one JSON file for table but found 0/],
  [['table', 'nothing.json'], /JSON of a run but found: .* in nothing\.json/],
])('%j is refused in one line', (args, message) => {
  const { status, stdout, stderr } = bench(...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^bench: error: .*\n$/);
  expect(stderr).toMatch(message);
});

it('an experiment gives times of every contender, and all answers agree', () => {
  const folder = mkdtempSync(join(tmpdir(), 'radin-bench-test-'));
  try {
    const json = join(folder, 'run.json');
    const { status, stdout } = bench(
      'kernels',
      '--quick',
      '--rounds',
      '1',
      '--only',
      'accuracy-10-classes',
      '--json',
      json,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/limit: read once +\d/);
    const { environment, results } = JSON.parse(readFileSync(json, 'utf8')) as KernelsResult;
    expect(environment.node).toBe(process.version);
    expect(results.map(({ id }) => id)).toEqual(['accuracy-10-classes']);
    expect(results[0]?.notices).toEqual([]);
    for (const { seconds } of results[0]?.rows ?? []) expect(seconds.length).toBe(1);
    expect(bench('table', json).stdout).toMatch(/^\| limit: read once \|/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
