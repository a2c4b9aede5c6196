import type { Cell, Table } from './page.js';

/** Text that a spreadsheet would compute: a formula's first character, also after blanks and in its full-width form. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * A table as CSV (RFC 4180): UTF-8, lines end in CRLF, a header of the columns' names, fields quoted where they need it.
 * Numbers are whole (as JavaScript writes them, never rounded), booleans `true` and `false`, `null` is an empty field.
 * Text, names of columns included, that a spreadsheet would take for a formula (after blanks an `=`, `+`, `-`, `@` or its
 * full-width form; a tab or line end at the front) gets an apostrophe before it, unless it reads as a number. Numbers never do.
 */
export function csv({ columns, rows }: Table): string {
  const lines = [columns.map(({ name }) => name), ...rows];
  return lines.map((cells) => `${cells.map(field).join(',')}\r\n`).join('');
}

function field(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const text = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
