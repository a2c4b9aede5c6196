import { join } from 'node:path';
import { makeFolder, RadinError, writeFileAtomically, writeTextAtomically } from '@radin/core';
import { chartsOf, checkPage, tablesOf } from './check-page.js';
import { csv } from './csv.js';
import { drawAlone } from './draw-chart.js';
import { markdown } from './markdown.js';
import type { Page, Table } from './page.js';
import { png } from './png.js';

export const EXPORT_FORMATS = ['svg', 'png', 'csv', 'json', 'md'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/**
 * Writes what a page shows as files of their own into `folder`, which is made where it is missing: each chart as `ID.svg` and
 * `ID.png` (light, twice the size), each table and each chart's data as `ID.csv`, `ID.json` and `ID.md`. Files that are
 * there are replaced, each whole or not at all.
 * @param formats which of them; the order does not matter
 * @returns the paths written, in the order of the page
 * @throws RadinError (`FILE`) where the folder or a file cannot be written
 */
export async function exportPage(page: Page, folder: string, formats: readonly ExportFormat[]): Promise<string[]> {
  checkPage(page);
  await makeFolder(folder).catch((error: NodeJS.ErrnoException) => {
    const found = error.code === 'EEXIST' ? 'a file of that name' : (error.code ?? error.message);
    throw new RadinError('FILE', `Expected to write to the folder ${folder} but found: ${found}`, { cause: error });
  });
  const wanted = new Set(formats);
  const written: string[] = [];
  const write = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    if (typeof content === 'string') await writeTextAtomically(path, content);
    else await writeFileAtomically(path, (sink) => sink.write(content));
    written.push(path);
  };
  for (const chart of wanted.has('svg') || wanted.has('png') ? chartsOf(page) : []) {
    const svg = await drawAlone(chart);
    if (wanted.has('svg')) await write(`${chart.id}.svg`, svg);
    if (wanted.has('png')) await write(`${chart.id}.png`, await png(svg));
  }
  for (const table of tablesOf(page)) {
    if (wanted.has('csv')) await write(`${table.id}.csv`, csv(table));
    if (wanted.has('json')) await write(`${table.id}.json`, json(table));
    if (wanted.has('md')) await write(`${table.id}.md`, markdown(table));
  }
  return written;
}

/** `{ title, note?, columns: [{ name, title, format }], rows: [{ NAME: cell }] }`; numbers are whole, those that are not finite are `null`. */
function json({ title, note, columns, rows }: Table): string {
  const records = rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
  return `${JSON.stringify({ title, note, columns, rows: records }, null, 2)}\n`;
}
