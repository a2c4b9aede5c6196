import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PaperResult } from '@radin/bench';
import { expect, it } from 'vitest';
import { linearPool, writeConfig } from './pools.js';
import { refusal } from './refusal.js';
import { radinJson, runRadin } from './run-radin.js';

it('bench prints the tables, writes paper.json, and evaluates nothing the second time', async () => {
  const { folder } = await linearPool({ models: 4 });
  const { code, stdout, stderr } = await runRadin(
    ['bench', folder, '--quick', '--out', 'out', '--format', 'csv,png'],
    folder,
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ +greedy +25 +\d+\.\d\d/m);
  expect(stdout).toMatch(/^wrote out\/paper\.json, out\/report\.html and \d+ files in out\/charts$/m);
  expect(readFileSync(join(folder, 'out', 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
  expect(existsSync(join(folder, 'out', 'charts', 'table-1.csv'))).toBe(true);
  expect(existsSync(join(folder, 'out', 'charts', 'fig-2.png'))).toBe(true);
  expect(stderr).toMatch(/^radin: adaptive: done$/m);
  expect(existsSync(join(folder, 'out', 'evaluations'))).toBe(true);
  const again = await radinJson<PaperResult>(['bench', folder, '--quick', '--out', 'out', '--brute-force'], folder);
  expect(again).toEqual(JSON.parse(readFileSync(join(folder, 'out', 'paper.json'), 'utf8')));
  expect(again.settings).toMatchObject({ seeds: 3, candidates: 100, budgets: [1, 5, 25] });
  expect(again.allSubsets?.count).toBe(15);
  // Four models have 10 subsets of two or three: the first run has evaluated them, and the uniform soup.
  expect(again.cost.evaluated).toBe(0);
  // The page is made again from the JSON alone, to the same bytes.
  const page = readFileSync(join(folder, 'out', 'report.html'));
  rmSync(join(folder, 'out', 'report.html'));
  expect((await runRadin(['report', 'out'], folder)).stdout).toBe('wrote out/report.html\n');
  expect(readFileSync(join(folder, 'out', 'report.html')).equals(page)).toBe(true);
  const bare = ['bench', folder, '--quick', '--no-report', '--quiet', '--out', 'bare', '--cache', 'out/evaluations'];
  const quiet = await runRadin(bare, folder);
  expect([quiet.code, quiet.stderr]).toEqual([0, '']);
  expect(readdirSync(join(folder, 'bare'))).toEqual(['paper.json']);
});

it('bench within a limit of memory gives the same document, tells its peak, and refuses a limit that is too small', async () => {
  const { folder } = await linearPool({ models: 4 });
  const bench = ['bench', folder, '--quick', '--seeds', '1', '--no-report', '--threads', '1'];
  const withoutTimes = ({ rows, ...rest }: PaperResult) => ({
    rows: rows.map(({ method, budget }) => [method, budget]),
    curves: rest.curves,
    seeds: rest.seeds,
    pooled: rest.pooled,
  });
  const free = await radinJson<PaperResult>([...bench, '--out', 'free'], folder);
  const limited = await runRadin([...bench, '--json', '--out', 'limited', '--max-memory', '320MiB'], folder);
  expect(limited.stderr).toMatch(/^radin: note: peak memory .* predicted at most .*, allowed 320 MiB$/m);
  expect(withoutTimes(JSON.parse(limited.stdout))).toEqual(withoutTimes(free));
  expect(await refusal(['bench', '.', '--max-memory', '8MB'])).toMatch(
    /^radin: error: Expected --max-memory of at least \d+MiB, .* found 7MiB\n$/,
  );
});

it('bench that cannot write its tables has written its results, and says what is in the way', async () => {
  const { folder } = await linearPool({ models: 3 });
  mkdirSync(join(folder, 'out'));
  writeFileSync(join(folder, 'out', 'charts'), '');
  const { code, stdout, stderr } = await runRadin(
    ['bench', folder, '--quick', '--json', '--quiet', '--format', 'md', '--out', 'out'],
    folder,
  );
  expect(stderr).toMatch(
    /^radin: error: Expected to write to the folder out\/charts but found: a file of that name\n$/,
  );
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(folder, 'out', 'paper.json'), 'utf8')));
});

it.each<[string, string[], RegExp]>([
  ['no seed', ['--seeds', '0'], /Expected --seeds to be an integer from 1 to 1000 but found "0"/],
  ['a format that it does not know', ['--format', 'gif'], /some of svg, png, csv, json, md/],
  ['an option of searches', ['--metric', 'accuracy'], /unknown option '--metric'/],
  ['a folder that is none', ['--out', 'model.onnx'], /a folder to write to but found a file: model\.onnx/],
])('bench refuses %s', async (_, args, message) => {
  expect(await refusal(['bench', '.', ...args])).toMatch(message);
});

it('bench refuses a pool that is scored by something else than accuracy', async () => {
  const said = await refusal(['bench', '.', '--quiet'], ({ folder }) =>
    writeConfig(folder, { metric: 'cross-entropy' }),
  );
  expect(said).toMatch(/whose metric is accuracy for this benchmark but found cross-entropy/);
});
