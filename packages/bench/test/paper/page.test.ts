import type { Chart, Page, Table } from '@radin/report';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { paperPage } from '../../src/paper/page/paper-page.js';
import type { PaperResult } from '../../src/paper/result.js';
import { poolFolder } from '../soups/pools.js';
import { paperOf, withoutTest } from './run.js';

const folder = temporaryFolder();
const shape = { samples: 60, hidden: 6, classes: 4, noise: 1.5, seed: 6 };
let pages: { result: PaperResult; page: Page }[] = [];

beforeAll(async () => {
  const cache = folder;
  const whole = await paperOf((await poolFolder(folder, { ...shape, models: 6 })).folder, { cache, bruteForce: true });
  const plain = await paperOf(withoutTest((await poolFolder(folder, { ...shape, models: 4 })).folder), { seeds: 1 });
  const single = await paperOf((await poolFolder(folder, { ...shape, models: 1 })).folder, { budgets: [2] });
  pages = [whole, plain, single].map((result) => ({ result, page: paperPage(result) }));
});

function blocks({ sections }: Page) {
  return sections.flatMap((section) => section.blocks);
}

function charts(page: Page): Chart[] {
  return blocks(page).flatMap((block) => (block.kind === 'chart' ? [block.chart] : []));
}

function tables(page: Page): Table[] {
  return blocks(page).flatMap((block) =>
    block.kind === 'table' ? [block.table] : block.kind === 'chart' ? [block.chart.data] : [],
  );
}

function valuesOf({ columns, rows }: Table): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
}

it('every chart compiles and draws its rows without a warning', async () => {
  const warnings: unknown[] = [];
  const note = (...args: unknown[]) => {
    warnings.push(args);
    return logger;
  };
  const logger = { level: () => logger, error: note, warn: note, info: () => logger, debug: () => logger } as never;
  for (const { page } of pages) {
    for (const { id, spec, data } of charts(page)) {
      const whole = { ...spec, width: 400, data: { name: 'table', values: valuesOf(data) } } as TopLevelSpec;
      const view = new View(parse(compile(whole, { logger }).spec), { renderer: 'none', logger });
      const svg = await view.toSVG();
      // Marks of rows, and not those of axes and legends.
      expect(svg, id).toMatch(/<g class="mark-(?!group)\w+ role-mark [^"]*"[^>]*><(path|text|line|rect) /);
      expect(svg, id).not.toContain('NaN');
      view.finalize();
    }
  }
  expect(warnings).toEqual([]);
});

it('every field of a chart is a column of its data, and names are safe and unique', () => {
  for (const { page } of pages) {
    const ids = [charts(page).map(({ id }) => id), page.sections.map(({ id }) => id), tables(page).map(({ id }) => id)];
    for (const list of ids) {
      expect(new Set(list).size).toBe(list.length);
      for (const id of list) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    }
    for (const { spec, data, details, description } of charts(page)) {
      const names = data.columns.map(({ name }) => name);
      for (const [, field] of JSON.stringify(spec).matchAll(/"field":"([^"]*)"/g)) expect(names).toContain(field);
      if (details !== undefined) expect(names).toContain(details);
      expect(description.length).toBeGreaterThan(20);
      expect(description).not.toMatch(/NaN|undefined|null/);
    }
    for (const { columns, rows } of tables(page)) {
      expect(rows.length).toBeGreaterThan(0);
      expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
    const texts = JSON.stringify(blocks(page).filter(({ kind }) => kind === 'text' || kind === 'facts'));
    expect(texts).not.toMatch(/NaN|undefined/);
  }
});

it('Fig. 2 draws the estimate of each candidate against its real score, with its models', () => {
  const [{ result, page } = expect.fail()] = pages;
  const chart = charts(page).find(({ id }) => id === 'fig-2') as Chart;
  const candidates = result.seeds[0]?.candidates ?? [];
  expect(valuesOf(chart.data)).toEqual(
    candidates.map(({ models, approx, validation, test }) => ({
      size: models.length,
      estimate: approx,
      prior_estimate: approx + models.length,
      validation,
      score: test,
      details: models.map((model) => result.pool.models[model]).join('\n'),
    })),
  );
  expect(chart.details).toBe('details');
});

it('Fig. 3 has the candidates in the order of stage 1: by estimate, then larger, then by the models’ indices', () => {
  const [{ result, page } = expect.fail()] = pages;
  const { data } = charts(page).find(({ id }) => id === 'fig-3') as Chart;
  const candidates = result.seeds[0]?.candidates ?? [];
  const order = (lambda: number) =>
    candidates
      .map(({ models, approx }) => ({ models, prior: approx + lambda * models.length, key: models.join(' ') }))
      .sort((a, b) => b.prior - a.prior || b.models.length - a.models.length || (a.key < b.key ? -1 : 1))
      .map(({ models }) => models.map((model) => result.pool.models[model]).join('\n'));
  expect(valuesOf(data).map(({ details }) => details)).toEqual([...order(0), ...order(1)]);
  expect(valuesOf(data).map(({ rank }) => rank)).toEqual([0, 1].flatMap(() => candidates.map((_, index) => index + 1)));
});

it('the candidates that there are are counted, not those that were asked for', () => {
  const [, { page } = expect.fail()] = pages;
  expect(page.subtitle).toContain('1 seed of 10 candidates');
  expect(JSON.stringify(page.sections.find(({ id }) => id === 'statistics'))).toContain('on validation, 10 candidates');
  expect(JSON.stringify(page)).not.toContain('1 seeds');
});

it('there is a chart for each of the paper’s figures, and one more where all subsets are known', () => {
  const [whole = [], plain = []] = pages.map(({ page }) => charts(page).map(({ id }) => id));
  const figures = ['fig-4', 'fig-4-passes', 'fig-2', 'fig-2-prior', 'fig-3', 'fig-3-seeds', 'fig-5', 'fig-6'];
  expect(plain).toEqual(['methods', ...figures]);
  expect(whole).toEqual(['methods', ...figures, 'fig-6-all']);
});

it('the answer names the methods with the highest score at the least and the largest budget', () => {
  for (const { result, page } of pages) {
    const [said] = page.sections[0]?.blocks ?? [];
    const text = said?.kind === 'text' ? said.text : '';
    for (const budget of new Set([result.settings.budgets[0], result.settings.budgets.at(-1)])) {
      const names = ['greedy', 'radin', 'radin-prior', 'adaptive', 'uniform', 'best-individual'];
      const rows = result.rows.filter((row) => names.includes(row.method) && (row.budget ?? budget) === budget);
      const means = rows.map(({ test, validation }) => (test ?? validation).mean);
      const top = Math.max(...means);
      const sentence = text.split(/(?<=\.) /).find((part) => part.startsWith(`At B = ${budget},`)) ?? '';
      expect(sentence).toContain(`${(100 * top).toFixed(2)}\u00a0%`);
      const winners = rows.filter((_, index) => top - (means[index] as number) < 1e-9);
      for (const { method } of winners) {
        expect(sentence).toContain(
          { radin: 'RADIN (λ = 0)', 'radin-prior': 'RADIN (λ = 1)' }[method as string] ?? method.replace('-', ' '),
        );
      }
    }
  }
});
