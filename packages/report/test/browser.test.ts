import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Page, renderPage } from '../src/index.js';
import { demonstration } from './demonstration.js';
import { HOSTILE_NAMES, hostilePage } from './hostile.js';

const CHROMIUM = process.env.RADIN_CHROMIUM ?? '/usr/bin/chromium';
const reason = existsSync(CHROMIUM) ? '' : ` (skipped: there is no ${CHROMIUM}; RADIN_CHROMIUM may name another)`;

describe.skipIf(reason !== '')(`a page in a browser${reason}`, () => {
  const root = mkdtempSync(join(tmpdir(), 'radin-page-'));
  const page = demonstration({ models: 40, candidates: 120 });
  let browser: Browser;

  beforeAll(async () => {
    const isRoot = process.getuid?.() === 0;
    [browser] = await Promise.all([
      chromium.launch({ executablePath: CHROMIUM, args: isRoot ? ['--no-sandbox'] : [] }),
      write('demonstration', page),
      write('hostile', hostilePage()),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function write(name: string, shown: Page): Promise<void> {
    writeFileSync(join(root, `${name}.html`), await renderPage(shown));
  }

  /** Opens a page; what it does that it must not do is collected. */
  async function open(name: string, options: BrowserContextOptions = {}): Promise<{ tab: Tab; misdeeds: string[] }> {
    const tab = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
    tab.setDefaultTimeout(5000);
    const address = pathToFileURL(join(root, `${name}.html`)).href;
    const misdeeds: string[] = [];
    tab.on('console', (message) => misdeeds.push(`console: ${message.text()}`));
    tab.on('pageerror', (error) => misdeeds.push(`error: ${error.message}`));
    tab.on('dialog', (dialog) => {
      misdeeds.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    tab.on('request', (request) => {
      if (request.url() !== address && request.url() !== 'data:,') misdeeds.push(`request: ${request.url()}`);
    });
    await tab.goto(address);
    if (options.javaScriptEnabled !== false) await tab.waitForSelector('html[data-drawn]', { state: 'attached' });
    return { tab, misdeeds };
  }

  const overflow = (tab: Tab) =>
    tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  const MARKS = '.mark-symbol path, .mark-rect path, .mark-line path';

  test('opens from disk without a complaint or a request, with every chart drawn', async () => {
    const { tab, misdeeds } = await open('demonstration');
    const figures = await tab.locator('.chart').all();
    expect(figures).toHaveLength(5);
    for (const figure of figures) {
      expect(await figure.locator('.live').locator(MARKS).count()).toBeGreaterThan(5);
      expect(await figure.locator('.still').isVisible()).toBe(false);
    }
    expect(await overflow(tab)).toBe(0);
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test.each(['light', 'dark'] as const)('has nothing that axe finds serious, in %s colours', async (colorScheme) => {
    const { tab } = await open('demonstration', { colorScheme });
    await tab.evaluate(axe.source);
    const { violations } = await tab.evaluate<AxeResults>('axe.run(document)');
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    await tab.close();
  });

  test('shows the models of a mark that is clicked, and forgets them on Escape', async () => {
    const { tab, misdeeds } = await open('demonstration');
    const figure = tab.locator('#chart_candidates');
    await figure.scrollIntoViewIfNeeded();
    const mark = await figure.locator('.live .mark-symbol.role-mark path').nth(3).boundingBox();
    if (mark === null) throw new Error('no mark');
    await tab.mouse.move(mark.x + mark.width / 2, mark.y + mark.height / 2);
    await expect.poll(() => tab.locator('.tip').textContent()).toMatch(/Approximate accuracy8\d\.\d\d/);
    await tab.mouse.click(mark.x + mark.width / 2, mark.y + mark.height / 2);
    const row = Number(/Row (\d+) of 120/.exec((await figure.locator('.panel strong').textContent()) ?? '')?.[1]);
    expect(await figure.locator('.panel .models li').allTextContents()).toEqual(modelsOf('candidates', row - 1));
    expect(await figure.locator('.panel').getAttribute('aria-live')).toBe('polite');
    const ring = await figure.locator('.ring').boundingBox();
    expect(Math.abs((ring?.x ?? 0) + (ring?.width ?? 0) / 2 - mark.x - mark.width / 2)).toBeLessThan(3);
    await tab.keyboard.press('Escape');
    expect(await figure.locator('.ring').count()).toBe(0);
    expect(await figure.locator('.panel').textContent()).toBe('');
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test('steps through the rows of a chart by keys, sorts a table and shows all its rows', async () => {
    const { tab, misdeeds } = await open('demonstration');
    const figure = tab.locator('#chart_worth');
    await figure.locator('.stage').focus();
    const rowOf = () => figure.locator('.panel strong').textContent();
    for (const [key, row] of [
      ['ArrowRight', 1],
      ['ArrowDown', 2],
      ['ArrowDown', 3],
      ['ArrowLeft', 2],
      ['End', 13],
    ] as const) {
      await tab.keyboard.press(key);
      expect(await rowOf()).toBe(`Row ${row} of 13`);
    }
    expect(await figure.locator('.panel .models li').allTextContents()).toEqual(modelsOf('worth', 12));

    const data = tab.locator('#chart_candidates .data');
    await data.locator('summary').click();
    expect(await data.locator('tbody tr').count()).toBe(50);
    await data.getByRole('button', { name: 'Show all 120 rows' }).click();
    expect(await data.locator('tbody tr').count()).toBe(120);
    const header = data.locator('th').nth(2);
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    const scores = (await data.locator('tbody td:nth-child(3)').allTextContents()).map(Number.parseFloat);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    // Rows that were not evaluated have no real score: they come last in either direction.
    await data.locator('th').nth(3).getByRole('button').click();
    expect(await data.locator('tbody td:nth-child(4)').last().textContent()).toBe('');
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test('fits a phone, and draws its charts for that width', async () => {
    const { tab, misdeeds } = await open('demonstration', { viewport: { width: 360, height: 740 } });
    expect(await overflow(tab)).toBe(0);
    for (const live of await tab.locator('.live').all()) {
      const [drawing, box] = [await live.locator('svg').boundingBox(), await live.boundingBox()];
      expect(drawing?.width).toBeLessThanOrEqual((box?.width ?? 0) + 1);
    }
    const sizes = await tab.evaluate<number[]>(
      "[...document.querySelectorAll('.live text')].map((text) => parseFloat(getComputedStyle(text).fontSize))",
    );
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(12);
    await tab.setViewportSize({ width: 1440, height: 900 });
    await expect
      .poll(async () => (await tab.locator('#chart_pools .live svg').boundingBox())?.width)
      .toBeGreaterThan(700);
    expect(await overflow(tab)).toBe(0);
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test('is redrawn in the colours of the theme, and prints its drawings in light ones', async () => {
    const { tab, misdeeds } = await open('demonstration', { colorScheme: 'dark' });
    const figure = tab.locator('#chart_worth');
    const bars = (fill: string) => figure.locator(`.live .mark-rect.role-mark path[fill="${fill}"]`).count();
    expect(await bars('#44b0f5')).toBeGreaterThan(0);
    await tab.getByRole('button', { name: 'Use light colours' }).click();
    await expect.poll(() => bars('#174e93')).toBeGreaterThan(0);
    expect(await bars('#44b0f5')).toBe(0);
    await tab.getByRole('button', { name: 'Use dark colours' }).click();
    await expect.poll(() => bars('#44b0f5')).toBeGreaterThan(0);
    await tab.emulateMedia({ media: 'print' });
    expect(await figure.locator('.live').isVisible()).toBe(false);
    expect(await figure.locator('.still').isVisible()).toBe(true);
    expect(await tab.locator('nav').isVisible()).toBe(false);
    const fills = await tab.evaluate(
      "[...document.querySelectorAll('#chart_worth .still .mark-rect.role-mark path')].map((mark) => getComputedStyle(mark).fill)",
    );
    expect(fills).toContain('rgb(23, 78, 147)');
    expect((await tab.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test('is whole without scripts', async () => {
    const { tab, misdeeds } = await open('demonstration', {
      javaScriptEnabled: false,
      viewport: { width: 360, height: 740 },
    });
    for (const figure of await tab.locator('.chart').all()) {
      expect(await figure.locator('.still svg').isVisible()).toBe(true);
      expect(await figure.locator('.still').locator(MARKS).count()).toBeGreaterThan(5);
    }
    expect(await tab.locator('button').count()).toBe(0);
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  test('shows hostile names as they are, and does nothing that they say', async () => {
    const { tab, misdeeds } = await open('hostile', { viewport: { width: 360, height: 740 } });
    expect(await tab.locator('h1').textContent()).toBe(`${HOSTILE_NAMES[0]}${HOSTILE_NAMES[1]}`);
    const stage = tab.locator('.stage');
    await stage.focus();
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      await tab.keyboard.press('ArrowDown');
      expect(await tab.locator('.panel dd').first().textContent()).toBe(name);
      expect(await tab.locator('.panel .models li').allTextContents()).toEqual(HOSTILE_NAMES.slice(index));
    }
    const bar = tab.locator('.live .mark-rect.role-mark path').first();
    await bar.scrollIntoViewIfNeeded();
    const box = await bar.boundingBox();
    await tab.mouse.move((box?.x ?? 0) + 3, (box?.y ?? 0) + 3);
    await expect.poll(() => tab.locator('.tip dd').first().textContent()).toBe(HOSTILE_NAMES[0]);
    await tab.getByRole('button', { name: 'Use dark colours' }).click();
    // Sorting writes every cell anew, by the script.
    await tab.locator('.card .table th button').first().click();
    const cells = await tab.locator('.card .table').first().locator('tbody td:first-child').allTextContents();
    expect([...cells].sort()).toEqual([...HOSTILE_NAMES].sort());
    expect(await tab.locator('img, iframe, object, embed, base, form:not(.vega-bindings), main b').count()).toBe(0);
    expect(await tab.locator('script').count()).toBe(4);
    expect(await tab.evaluate('globalThis.taken')).toBeUndefined();
    expect(await overflow(tab)).toBe(0);
    expect(misdeeds).toEqual([]);
    await tab.close();
  });

  /** The models of a row, from what the page was made of. */
  function modelsOf(chartId: string, row: number): string[] {
    for (const block of page.sections.flatMap(({ blocks }) => blocks)) {
      if (block.kind !== 'chart' || block.chart.id !== chartId) continue;
      const { data, details } = block.chart;
      return String(data.rows[row]?.[data.columns.findIndex(({ name }) => name === details)]).split('\n');
    }
    throw new Error(`no chart ${chartId}`);
  }
});
