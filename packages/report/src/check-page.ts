import type { Chart, Page, Table } from './page.js';

/** Lower-case letters, digits and hyphens: a file name on every system, and never one of the page's own ids. */
const ID = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Names that Windows keeps for devices, whatever follows the dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;

/** Every chart of a page, in order. */
export function chartsOf(page: Page): Chart[] {
  return page.sections.flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.kind === 'chart' ? [block.chart] : [])),
  );
}

/** Every table of a page and of its charts, in order, each once. */
export function tablesOf(page: Page): Table[] {
  const blocks = page.sections.flatMap((section) => section.blocks);
  const tables = blocks.flatMap((block) => {
    if (block.kind === 'table') return [block.table];
    return block.kind === 'chart' ? [block.chart.data] : [];
  });
  return [...new Set(tables)];
}

/**
 * Refuses a page that could not be shown or exported as it was meant.
 * @throws Error, a mistake of the code that made the page: an id that is no safe name or is taken, a row with a cell too many
 * or too few, two columns of one name, details that name no column
 */
export function checkPage(page: Page): void {
  checkIds('section', page.sections);
  checkIds('chart', chartsOf(page));
  checkIds('table', tablesOf(page));
  for (const table of tablesOf(page)) checkTable(table);
  for (const { id, details, data } of chartsOf(page)) {
    if (details !== undefined && !data.columns.some(({ name }) => name === details))
      throw new Error(`Expected the details of chart ${id} to be a column of its data but found ${details}`);
  }
}

function checkIds(kind: string, items: readonly { readonly id: string }[]): void {
  const seen = new Set<string>();
  for (const { id } of items) {
    if (!ID.test(id) || DEVICE.test(id) || id.length > 100)
      throw new Error(`Expected the id of a ${kind} to be of lower-case letters, digits and hyphens but found ${id}`);
    if (seen.has(id)) throw new Error(`Expected the id of every ${kind} to be its own but found ${id} twice`);
    seen.add(id);
  }
}

function checkTable({ id, columns, rows }: Table): void {
  const names = new Set(columns.map(({ name }) => name));
  if (names.size < columns.length) throw new Error(`Expected the columns of table ${id} to have different names`);
  const wrong = rows.findIndex((row) => row.length !== columns.length);
  if (wrong >= 0)
    throw new Error(`Expected ${columns.length} cells in row ${wrong} of table ${id} but found ${rows[wrong]?.length}`);
}
