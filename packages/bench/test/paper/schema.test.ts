import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRunDocument, renderPage, runPage } from '@radin/report';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { PAPER_KINDS } from '../../src/paper/kinds.js';

const folder = temporaryFolder();
const text = readFileSync(fileURLToPath(new URL('../../results/paper-digits.json', import.meta.url)), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: what a hand does to a file has no type.
type Edit = (document: any) => unknown;

function edited(edit: Edit): string {
  const document = JSON.parse(text);
  const file = join(mkdtempSync(join(folder, 'edited-')), 'paper.json');
  const content = edit(document);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(document));
  return file;
}

it('what a run wrote is read as it was written', async () => {
  expect(
    await readRunDocument(
      edited(() => text),
      PAPER_KINDS,
    ),
  ).toEqual(JSON.parse(text));
});

it('names are shown as text, and what is not known is left out', async () => {
  const file = edited((document) => {
    document.pool.name = '<img src=x onerror=alert(1)>';
    document.pool.models[0] = '"><script>alert(1)</script>';
    document.surprise = 'unknown';
  });
  const document = await readRunDocument(file, PAPER_KINDS);
  expect(document).not.toHaveProperty('surprise');
  const html = await renderPage(runPage([document], PAPER_KINDS));
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
  expect(html).not.toContain('<img src=x');
  expect(html).not.toContain('<script>alert');
});

it.each<[string, Edit, RegExp]>([
  [
    'NaN as text',
    (d) => {
      d.rows[0].test.mean = 'NaN';
    },
    /the field rows\[0\]\.test\.mean of/,
  ],
  ['NaN itself', () => text.replace('"classes": 10', '"classes": NaN'), /Expected JSON but found/],
  [
    'a missing field',
    (d) => {
      delete d.pooled;
    },
    /the field pooled of/,
  ],
  [
    '1e308 as a score',
    (d) => {
      d.curves[0].points[3].test.max = 1e308;
    },
    /the field curves\[0\]\.points\[3\]\.test\.max of/,
  ],
  [
    '1e308 as a number of evaluations',
    (d) => {
      d.rows[3].evaluations.mean = 1e308;
    },
    /the field rows\[3\]\.evaluations\.mean/,
  ],
  ['a number beyond all', () => text.replace('"lambda": 1', '"lambda": 1e999'), /the field settings\.lambda of/],
  [
    'a million seeds',
    (d) => {
      d.settings.seeds = 1e6;
    },
    /the field settings\.seeds of/,
  ],
  [
    'fewer seeds than it says',
    (d) => {
      d.seeds.pop();
    },
    /the field seeds of .* entry for each/,
  ],
  [
    'a budget twice',
    (d) => {
      d.settings.budgets = [1, 1, 25];
    },
    /the field settings\.budgets of .* ascending/,
  ],
  [
    'a soup of a model that is none',
    (d) => {
      d.runs[0].models = [16];
    },
    /the field runs\[0\]\.models of .* below 16/,
  ],
  [
    'a soup of no model',
    (d) => {
      d.seeds[0].candidates[4].models = [];
    },
    /the field seeds\[0\]\.candidates\[4\]\.models of/,
  ],
  [
    'candidates cut off',
    (d) => {
      d.seeds[0].candidates.length = 3;
    },
    /the field seeds\[0\]\.candidates of .* its count/,
  ],
  [
    'a curve cut off',
    (d) => {
      d.curves[1].points.pop();
    },
    /the field curves\[1\]\.points of/,
  ],
  [
    'more weights than models',
    (d) => {
      d.runs[0].weights = [0.5, 0.5];
    },
    /the field runs\[0\]\.weights of/,
  ],
  [
    'an unknown method',
    (d) => {
      d.rows[1].method = 'magic';
    },
    /the field rows\[1\]\.method of/,
  ],
  [
    'a test score that is not there',
    (d) => {
      delete d.rows[2].test;
    },
    /the field rows\[2\]\.test of/,
  ],
  [
    'no best individual',
    (d) => {
      d.rows.shift();
    },
    /the field rows of .* best individual/,
  ],
  [
    'a name of a megabyte',
    (d) => {
      d.pool.name = 'x'.repeat(2 ** 20);
    },
    /the field pool\.name of/,
  ],
  [
    'another version',
    (d) => {
      d.schema = 'radin-paper-2';
    },
    /"radin-paper-1" but found "radin-paper-2"/,
  ],
  [
    'the number that versions were',
    (d) => {
      d.schema = 1;
    },
    /"radin-paper-1" but found something else/,
  ],
])('is refused in one line with %s', async (_, edit, message) => {
  const file = edited(edit);
  const error = await readRunDocument(file, PAPER_KINDS).then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error?.message).toMatch(message);
  expect(error?.message).toContain(file);
  expect(error?.message).not.toMatch(/\p{Cc}/u);
  expect(error).toMatchObject({ name: 'RadinError', code: 'FORMAT' });
});
