import { mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { linearPool } from './pools.js';
import { refusal } from './refusal.js';
import { runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** A model's name as an attacker would choose it; a file can have it. */
const NAME = '<img src=x onerror=alert(1)>"&amp;';
const ESCAPED = '&lt;img src=x onerror=alert(1)&gt;&quot;&amp;amp;';

const WRITTEN = ['journal.jsonl', 'radin.lock.json', 'report.html', 'result.json', 'soup.safetensors'];

function read(...path: string[]): string {
  return readFileSync(join(...path), 'utf8');
}

async function run(args: readonly string[], folder: string): Promise<string> {
  const { code, stdout, stderr } = await runRadin(args, folder);
  expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: expect.any(String) });
  return stdout;
}

describe('the report', () => {
  let folder: string;
  let printed: string;
  beforeAll(async () => {
    ({ folder } = await linearPool());
    renameSync(join(folder, 'models', 'a.safetensors'), join(folder, 'models', `${NAME}.safetensors`));
    printed = await run(['search', '.', '--out', 'out'], folder);
    await run(['compare', '.', '--budgets', '1,4', '--out', 'compared'], folder);
  }, 60_000);

  it('is written beside the result by search and by compare, and the last line says so', () => {
    expect(listing(join(folder, 'out'))).toEqual(WRITTEN);
    expect(listing(join(folder, 'compared'))).toEqual([
      'comparison.json',
      'journal.jsonl',
      'radin.lock.json',
      'report.html',
      'soup.safetensors',
    ]);
    const [soup, json, page] = ['soup.safetensors', 'result.json', 'report.html'].map((name) => join('out', name));
    expect(printed.trimEnd().split('\n').at(-1)).toBe(`wrote ${soup}, ${json} and ${page}`);
  });

  it('is one file of markup that holds the names of models as text', () => {
    for (const out of ['out', 'compared']) {
      const html = read(folder, out, 'report.html');
      expect(html).toMatch(/^<!doctype html>/);
      expect(html).toContain(ESCAPED);
      expect(html).not.toContain('<img src=x');
      expect(html).not.toMatch(/<(?:script|link|img|iframe)[^>]* (?:src|href)="(?!data:)/);
    }
  });

  it('is made again by radin report, to the same bytes, from the JSON alone', async () => {
    for (const [out, json] of [
      ['out', 'result.json'],
      ['compared', 'comparison.json'],
    ] as const) {
      const alone = newFolder();
      writeFileSync(join(alone, json), read(folder, out, json));
      expect(await run(['report', alone], newFolder())).toBe(`wrote ${join(alone, 'report.html')}\n`);
      expect(read(alone, 'report.html') === read(folder, out, 'report.html')).toBe(true);
    }
  });

  it('has both where both are in the folder, in a file of any name', async () => {
    const both = newFolder();
    writeFileSync(join(both, 'result.json'), read(folder, 'out', 'result.json'));
    writeFileSync(join(both, 'comparison.json'), read(folder, 'compared', 'comparison.json'));
    await run(['report', '.', '--out', 'page.html'], both);
    expect(listing(both)).toEqual(['comparison.json', 'page.html', 'result.json']);
    expect(read(both, 'page.html')).toContain('Search: What was found');
    expect(read(both, 'page.html')).toContain('Comparison: What was found');
  });

  it('exports charts and tables into a folder of their own, and leaves all else as it was', async () => {
    const before = WRITTEN.map((name) => readFileSync(join(folder, 'out', name)));
    const stdout = await run(['report', 'out', '--format', 'csv,svg', '--json'], folder);
    const { report, exports: paths } = JSON.parse(stdout) as { report: string; exports: string[] };
    expect(report).toBe(join('out', 'report.html'));
    expect(paths).toContain(join('out', 'charts', 'search-models.csv'));
    expect(paths).toContain(join('out', 'charts', 'search-models.svg'));
    expect(listing(join(folder, 'out', 'charts')).sort()).toEqual(
      paths.map((path) => path.split(/[\\/]/).at(-1)).sort(),
    );
    for (const [at, name] of WRITTEN.entries()) expect(readFileSync(join(folder, 'out', name))).toEqual(before[at]);
    const { models } = JSON.parse(read(folder, 'out', 'result.json')) as SearchReport;
    const csv = read(folder, 'out', 'charts', 'search-models.csv');
    for (const { valScore } of models) expect(csv).toContain(String(valScore));
  });

  it.concurrent('is left out with --no-report, also where charts are exported', async () => {
    await run(['search', '.', '--no-report', '--out', 'bare'], folder);
    expect(listing(join(folder, 'bare'))).toEqual([
      'journal.jsonl',
      'radin.lock.json',
      'result.json',
      'soup.safetensors',
    ]);
    await run(['search', '.', '--no-report', '--format', 'md', '--out', 'charted'], folder);
    expect(listing(join(folder, 'charted')).filter((name) => !name.startsWith('charts'))).toEqual(
      WRITTEN.filter((name) => name !== 'report.html'),
    );
    expect(listing(join(folder, 'charted'))).toContain(join('charts', 'search-soup.md'));
  });

  it.concurrent('whose tables cannot be written loses neither the result nor the soup', async () => {
    const out = join(folder, 'blocked');
    mkdirSync(out);
    writeFileSync(join(out, 'charts'), '');
    const { code, stdout, stderr } = await runRadin(
      ['search', '.', '--json', '--format', 'md', '--out', 'blocked'],
      folder,
    );
    expect(stderr).toMatch(
      /^radin: error: Expected to write to the folder blocked\/charts but found: a file of that name\n$/m,
    );
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject(JSON.parse(read(out, 'result.json')));
    expect(listing(out)).toEqual(['charts', ...WRITTEN]);
  });

  it.concurrent.each([1, 2, 200])('is written for a pool of %d', async (models) => {
    const pool = await linearPool({ models });
    await run(['search', '.', '--budget', '4', '--out', 'out'], pool.folder);
    expect(listing(join(pool.folder, 'out'))).toEqual(WRITTEN);
    expect(readFileSync(join(pool.folder, 'out', 'result.json')).byteLength).toBeLessThan(3e6);
    expect(readFileSync(join(pool.folder, 'out', 'report.html')).byteLength).toBeLessThan(3e6);
  });
});

describe.concurrent('radin report refuses', () => {
  it('a folder without documents, and one that is not there', async () => {
    expect(await refusal(['report', '.'])).toContain(
      'Expected result.json or comparison.json or paper.json in the folder . but found none',
    );
    expect(await refusal(['report', 'nowhere'])).toContain('nowhere');
  });

  it('to write over what is no page', async () => {
    expect(await refusal(['report', '.', '--out', 'models/a.safetensors'])).toContain(
      'Expected --out to be a file that ends in .html but found models/a.safetensors',
    );
  });

  it('to read what is no file, and more than any run leaves', async () => {
    const made = (make: (path: string) => void) => (pool: { folder: string }) => make(join(pool.folder, 'result.json'));
    expect(
      await refusal(
        ['report', '.'],
        made((path) => mkdirSync(path)),
      ),
    ).toContain('Expected a regular file');
    if (process.platform !== 'win32')
      expect(
        await refusal(
          ['report', '.'],
          made((path) => symlinkSync('/dev/zero', path)),
        ),
      ).toContain('regular file');
    const large = (path: string) => {
      writeFileSync(path, '');
      truncateSync(path, 3e8);
    };
    expect(await refusal(['report', '.'], made(large))).toContain('at most 67108864 bytes');
  });

  it('formats that it does not know', async () => {
    expect(await refusal(['report', '.', '--format', 'csv,gif'])).toContain('some of svg, png, csv, json, md');
    expect(await refusal(['search', '.', '--format', 'gif'])).toContain('some of svg, png, csv, json, md');
  });

  it('documents that are none, by file and field', async () => {
    const broken = (text: string) => (pool: { folder: string }) =>
      writeFileSync(join(pool.folder, 'result.json'), text);
    expect(await refusal(['report', '.'], broken('{'))).toMatch(/Expected JSON but found: .* in result\.json/);
    expect(await refusal(['report', '.'], broken('{"schema":"radin-search-1"}'))).toMatch(
      /the field \S+ of result\.json/,
    );
    expect(await refusal(['report', '.'], broken('{"schema":"radin-search-2"}'))).toContain(
      'but found "radin-search-2"',
    );
  });
});
