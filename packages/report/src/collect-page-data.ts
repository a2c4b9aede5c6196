import { fieldNames } from './chart-data.js';
import { chartsOf, tablesOf } from './check-page.js';
import { compileChart, compileStacked } from './draw-chart.js';
import type { Cell, Page, Table } from './page.js';
import type { ChartData, PageData, StoredCell } from './page-data.js';
import { DARK, LIGHT, namedColours } from './theme.js';

/** Everything that the script of a page needs, without repetition. */
export function collectPageData(page: Page): PageData {
  const lists = new ListStore();
  const tables = tablesOf(page);
  const charts = chartsOf(page).map((chart): ChartData => {
    const names = fieldNames(chart);
    return {
      id: chart.id,
      spec: compileChart(chart, names),
      stacked: compileStacked(chart, names),
      fields: names.map((name) => name ?? null),
      table: tables.indexOf(chart.data),
      details: chart.data.columns.findIndex(({ name }) => name === chart.details),
    };
  });
  const stored = tables.map(({ columns, rows }: Table) => ({
    columns,
    rows: rows.map((row) => row.map((cell) => lists.store(cell))),
  }));
  const dark = namedColours(DARK);
  const pairs = namedColours(LIGHT).map(([, colour], index) => [colour, dark[index]?.[1] as string]);
  return { lines: lists.lines, lists: lists.lists, tables: stored, charts, dark: Object.fromEntries(pairs) };
}

/** Texts of several lines, each line and each text once: a pool of 200 models has thousands of lists of its names. */
class ListStore {
  readonly lines: string[] = [];
  readonly lists: number[][] = [];
  readonly #lineIndex = new Map<string, number>();
  readonly #listIndex = new Map<string, number>();

  store(cell: Cell): StoredCell {
    if (typeof cell === 'number' && !Number.isFinite(cell))
      return String(cell).replace('-Infinity', '−∞').replace('Infinity', '∞');
    if (typeof cell !== 'string' || !cell.includes('\n')) return cell;
    let index = this.#listIndex.get(cell);
    if (index === undefined) {
      index = this.lists.push(cell.split('\n').map((line) => this.#line(line))) - 1;
      this.#listIndex.set(cell, index);
    }
    return [index];
  }

  #line(line: string): number {
    let index = this.#lineIndex.get(line);
    if (index === undefined) {
      index = this.lines.push(line) - 1;
      this.#lineIndex.set(line, index);
    }
    return index;
  }
}
