import type { Cell, Column } from './page.js';

/** What a page's script reads: each text of several lines, each row and each specification once. */
export interface PageData {
  /** Distinct lines of the cells that have several: names of models, mostly. */
  readonly lines: readonly string[];
  /** Distinct cells of several lines, as indices into `lines`. */
  readonly lists: readonly (readonly number[])[];
  readonly tables: readonly TableData[];
  readonly charts: readonly ChartData[];
  /** Colours of the light theme, which specifications hold, and their counterparts in the dark theme. */
  readonly dark: Readonly<Record<string, string>>;
}

interface TableData {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly StoredCell[])[];
}

/** A cell, or the index of a list. */
export type StoredCell = Cell | readonly [list: number];

export interface ChartData {
  readonly id: string;
  /** For vega's runtime, in light colours, without rows. */
  readonly spec: unknown;
  /** The same with its panels below each other, where it has panels side by side. */
  readonly stacked: unknown;
  /** The name of each column in the specification; `null` where it has none. */
  readonly fields: readonly (string | null)[];
  /** An index into `tables`. */
  readonly table: number;
  /** The column of models; -1 where there is none. */
  readonly details: number;
}

/** How many rows of a table are shown before a reader asks for all. */
export const FIRST_ROWS = 50;

/** How many lines of a cell are shown before a reader asks for all. */
const FIRST_LINES = 3;

/** The lines of a cell of text; an empty text has none. */
export function linesOf(cell: Cell): string[] {
  return typeof cell === 'string' && cell !== '' ? cell.split('\n') : [];
}

/** What is shown of a cell of several lines that has more than `FIRST_LINES`: these, and how many others there are. */
export function shortened(lines: readonly string[]): { readonly first: readonly string[]; readonly others: number } {
  // One more line takes no more room than saying that there is one.
  if (lines.length <= FIRST_LINES + 1) return { first: lines, others: 0 };
  return { first: lines.slice(0, FIRST_LINES), others: lines.length - FIRST_LINES };
}

/** A column's rows with every text whole. */
export function restoreRows({ rows }: TableData, { lists, lines }: PageData): Cell[][] {
  const texts = lists.map((list) => list.map((line) => lines[line]).join('\n'));
  return rows.map((row) => row.map((cell) => (Array.isArray(cell) ? (texts[cell[0]] as string) : (cell as Cell))));
}
