import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatCell, type Page, renderPage } from '../src/index.js';
import { demonstration } from './demonstration.js';
import { HOSTILE_NAMES, hostilePage } from './hostile.js';

const MODELS = 200;
const CANDIDATES = 1000;

function contents(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`<${name}[^>]*>(.*?)</${name}>`, 'gs'))].map(([, text]) => text as string);
}

/** Not `rejects`, which prints whole pages where it fails. */
function refusal(page: Page): Promise<string> {
  return renderPage(page).then(
    () => 'none',
    (error: Error) => error.message,
  );
}

describe('a page of 200 models and 1,000 candidates', () => {
  let html = '';
  beforeAll(async () => {
    html = await renderPage(demonstration({ models: MODELS, candidates: CANDIDATES }));
  });

  test('stays under 3 MB', () => {
    expect(Buffer.byteLength(html)).toBeLessThan(3e6);
  });

  test('allows its own scripts and style by their hashes, and nothing else', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    const hashes = (sources: string[]) =>
      sources.map((source) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`).join(' ');
    const [, licences, ...scripts] = contents(html, 'script');
    expect(licences).toMatch(/vega, .*Copyright \(c\) 2015.*d3-array, .*Permission to use, copy/s);
    expect(policy).toBe(
      `default-src 'none'; script-src ${hashes(scripts)}; style-src ${hashes(contents(html, 'style'))}; ` +
        "img-src data:; base-uri 'none'; form-action 'none'",
    );
  });

  test('names no address that a browser would load', () => {
    const markup = html.replace(/<(script|style)\b.*?<\/\1>/gs, '');
    expect(markup).not.toMatch(/\s(?:src|href|srcset|action|data)\s*=\s*"(?!#|data:,")/);
    expect(contents(html, 'style').join()).not.toMatch(/url\(|@import/);
    expect(markup).not.toMatch(/\sstyle="|\son\w+="/);
  });

  test('holds each list of models once', () => {
    const data = JSON.parse(contents(html, 'script')[0] ?? '');
    expect(data.lines.length).toBeLessThanOrEqual(MODELS + 8);
    expect(data.lists.length).toBeLessThanOrEqual(CANDIDATES + 8);
  });

  test('shows the first 50 rows of a long table, and says how many there are', () => {
    expect(html).toContain('The first 50 of 1,000 rows.');
    const longest = Math.max(...contents(html, 'tbody').map((body) => body.split('<tr>').length - 1));
    // The table of all pairs of eight models is long as well.
    expect(longest).toBe(50);
  });
});

test('the same page is the same bytes', async () => {
  const page = demonstration({ models: 13, candidates: 20 });
  const [first, second] = [await renderPage(page), await renderPage(page)];
  expect(first === second).toBe(true);
});

test('hostile text is text, in markup, drawings and data', async () => {
  const html = await renderPage(hostilePage());
  expect(contents(html, 'script')).toHaveLength(4);
  expect(html.replace(/<(script|style)\b.*?<\/\1>/gs, '')).not.toMatch(/<(?:img|script|style|b)\b|<!--|\]\]>/);
  const data = JSON.parse(contents(html, 'script')[0] ?? '');
  expect(data.lines).toEqual(expect.arrayContaining(HOSTILE_NAMES));
});

test('drawings have ids of their own, one per page', async () => {
  const html = await renderPage(demonstration({ models: 13, candidates: 20 }));
  const ids = [...html.replace(/<(script|style)\b.*?<\/\1>/gs, '').matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a page whose ids repeat or whose specification asks for a file is refused', async () => {
  const page = demonstration({ models: 13, candidates: 20 });
  const [first] = page.sections;
  if (first === undefined) throw new Error('no section');
  expect(await refusal({ ...page, sections: [first, first] })).toContain('twice');
  const reads: Page = {
    title: 'Reads',
    subtitle: '',
    sections: [
      {
        id: 'one',
        title: 'One',
        blocks: [
          {
            kind: 'chart',
            chart: {
              id: 'reads',
              title: 'Reads',
              description: '',
              spec: {
                layer: [
                  {
                    data: { url: 'package.json' },
                    mark: 'point',
                    encoding: { x: { field: 'a', type: 'quantitative' } },
                  },
                ],
              },
              data: { id: 'none', title: '', columns: [], rows: [] },
            },
          },
        ],
      },
    ],
  };
  expect(await refusal(reads)).toContain('its own data');
});

test('cells of the page read as in Markdown and tooltips', async () => {
  const html = await renderPage(demonstration({ models: 13, candidates: 20 }));
  expect(html).toContain(`<td class="number">${formatCell(0.8007, 'percent')}</td>`);
});
