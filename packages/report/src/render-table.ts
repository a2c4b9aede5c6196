import { escapeMarkup, escapeProse } from './escape.js';
import { formatCell, isNumeric } from './format-cell.js';
import type { Cell, Column, Table } from './page.js';
import { FIRST_ROWS, linesOf, shortened } from './page-data.js';

/**
 * A table as HTML, its first `FIRST_ROWS` rows: what is seen without scripts and printed. The page's script adds sorting, the
 * other rows and copying.
 * @param index of the table in `PageData.tables`
 */
export function renderTable(table: Table, index: number, labelId: string): string {
  const { columns, rows, note } = table;
  const head = columns.map(
    ({ title, format }) => `<th scope="col"${isNumeric(format) ? ' class="number"' : ''}>${escapeMarkup(title)}</th>`,
  );
  const body = rows
    .slice(0, FIRST_ROWS)
    .map((row) => `<tr>${row.map((cell, column) => td(cell, columns[column])).join('')}</tr>`);
  const more =
    rows.length > FIRST_ROWS
      ? `<p class="more">The first ${FIRST_ROWS} of ${formatCell(rows.length, 'integer')} rows.</p>`
      : '';
  return [
    `<div class="table" data-table="${index}">`,
    `<div class="scroll" tabindex="0" role="region" aria-labelledby="${labelId}"><table aria-labelledby="${labelId}">`,
    `<thead><tr>${head.join('')}</tr></thead>`,
    `<tbody>${body.join('\n')}</tbody>`,
    `</table></div><div class="table-foot">${more}</div>`,
    note === undefined ? '' : `<p class="note">${escapeProse(note)}</p>`,
    '</div>',
  ].join('');
}

function td(cell: Cell, column: Column | undefined): string {
  const format = column?.format ?? 'text';
  if (isNumeric(format)) return `<td class="number">${escapeMarkup(formatCell(cell, format))}</td>`;
  const text = formatCell(cell, format);
  const lines = linesOf(text);
  if (lines.length < 2) return `<td>${escapeMarkup(text)}</td>`;
  const { first, others } = shortened(lines);
  const items = first.map((line) => `<li>${escapeMarkup(line)}</li>`).join('');
  return `<td><ul class="lines">${items}${others === 0 ? '' : `<li class="others">and ${others} more</li>`}</ul></td>`;
}
