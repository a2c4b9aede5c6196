import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chartsOf, checkPage, tablesOf } from './check-page.js';
import { collectPageData } from './collect-page-data.js';
import { drawForPage } from './draw-chart.js';
import { escapeJson, escapeProse } from './escape.js';
import type { Page } from './page.js';
import { type PageParts, renderSections } from './render-sections.js';
import { DARK, LIGHT, namedColours, type Theme } from './theme.js';

/** vega's runtime for browsers stands beside the module that Node loads. */
const VEGA = join(dirname(createRequire(import.meta.url).resolve('vega')), 'vega.min.js');
/** Written by the build; found from the sources, which tests run, as well. */
const CLIENT = fileURLToPath(new URL('../dist/client/', import.meta.url));

/**
 * A page as one HTML file that opens from disk, without a network and under a Content-Security-Policy that allows its own
 * scripts and style by their hashes and nothing else. Without scripts, and in print, its charts are drawings made here.
 * Text of the page is shown as it is, whatever it holds.
 * It holds the licences of the libraries in its scripts.
 * @returns about 0.6 MB and the data, once
 * @throws Error where the page is not well made (`checkPage`) or a specification cannot be drawn
 */
export async function renderPage(page: Page): Promise<string> {
  checkPage(page);
  const [vega, client, stylesheet, licences] = await Promise.all([
    readFile(VEGA, 'utf8'),
    readFile(join(CLIENT, 'main.js'), 'utf8'),
    readFile(join(CLIENT, 'page.css'), 'utf8'),
    readFile(join(CLIENT, 'licences.txt'), 'utf8'),
  ]);
  const scripts = [vega, client].map(inScript);
  const style = colours() + stylesheet;
  const drawings = new Map<string, string>();
  for (const chart of chartsOf(page)) drawings.set(chart.id, await drawForPage(chart));
  const parts: PageParts = { drawings, tables: tablesOf(page) };
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy(scripts, style)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="generator" content="RADIN">',
    `<title>${escapeProse(page.title)} · RADIN</title>`,
    '<link rel="icon" href="data:,">',
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    renderSections(page, parts),
    `<script type="application/json" id="page_data">${escapeJson(collectPageData(page))}</script>`,
    `<script type="text/plain" id="licences">\n${inScript(licences)}</script>`,
    ...scripts.map((script) => `<script>${script}</script>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function policy(scripts: readonly string[], style: string): string {
  return [
    "default-src 'none'",
    `script-src ${scripts.map(sourceHash).join(' ')}`,
    `style-src ${sourceHash(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function sourceHash(source: string): string {
  return `'sha256-${createHash('sha256').update(source).digest('base64')}'`;
}

/** A script's text with nothing that ends its element or hides the end: both stand in strings only, where `\x3c` is `<`. */
function inScript(source: string): string {
  return source.replace(/<(?=\/script|!--)/gi, '\\x3c').replace(/\r\n?/g, '\n');
}

/** The themes as variables: the system's choice, the reader's choice, and light on paper. */
function colours(): string {
  const block = (theme: Theme, scheme: string) =>
    `{color-scheme:${scheme};${namedColours(theme)
      .map(([name, colour]) => `${name}:${colour}`)
      .join(';')}}`;
  return [
    `:root${block(LIGHT, 'light')}`,
    `@media (prefers-color-scheme:dark){:root:not([data-theme=light])${block(DARK, 'dark')}}`,
    `:root[data-theme=dark]${block(DARK, 'dark')}`,
    `@media print{:root:root:root${block(LIGHT, 'light')}}`,
    '',
  ].join('\n');
}
