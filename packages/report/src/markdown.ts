import { formatCell, isNumeric } from './format-cell.js';
import type { Table } from './page.js';

/** A table as Markdown of GitHub's flavour, its numbers as people read them; text shows as it is, whatever it holds. */
export function markdown({ title, columns, rows, note }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(columns.map((column) => escapeMarkdown(column.title))),
    line(columns.map(({ format }) => (isNumeric(format) ? '---:' : '---'))),
    ...rows.map((row) =>
      line(columns.map(({ format }, index) => escapeMarkdown(formatCell(row[index] ?? null, format)))),
    ),
  ].join('\n');
  return `${[`**${escapeMarkdown(title)}**`, table, ...(note === undefined ? [] : [escapeMarkdown(note)])].join('\n\n')}\n`;
}

/** Text in which nothing is a mark of Markdown or HTML; lines are kept by `<br>`. */
function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]#|~!$]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('://', ':&#47;/')
    .replaceAll('@', '&#64;')
    .replace(/\r\n|[\r\n\u2028\u2029]/g, '<br>');
}
