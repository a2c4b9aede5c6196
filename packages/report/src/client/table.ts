import { formatCell, isNumeric } from '../format-cell.js';
import type { Cell, Column } from '../page.js';
import { FIRST_ROWS, linesOf, shortened } from '../page-data.js';
import { button, copyButton, element } from './element.js';

type Row = readonly Cell[];

/** Gives a table its other rows, sorting by its headers and a button that copies it. */
export function enhanceTable(container: HTMLElement, columns: readonly Column[], rows: readonly Row[]): void {
  const body = container.querySelector('tbody');
  const foot = container.querySelector('.table-foot');
  if (body === null || foot === null) return;
  let sorted: readonly Row[] = rows;
  let shown = FIRST_ROWS;
  const fill = () => body.replaceChildren(...sorted.slice(0, shown).map((row) => rowElement(row, columns)));
  const headers = [...container.querySelectorAll<HTMLElement>('th')];
  for (const [index, header] of headers.entries()) {
    makeSortable(header, headers, (isDescending) => {
      sorted = isDescending === undefined ? rows : sortRows(rows, index, isDescending);
      fill();
    });
  }
  if (rows.length > FIRST_ROWS) {
    const label = foot.querySelector('.more');
    const all = button('quiet', `Show all ${formatCell(rows.length, 'integer')} rows`, () => {
      shown = rows.length;
      fill();
      all.remove();
      label?.remove();
    });
    foot.append(all);
  }
  const copy = copyButton('Copy table', () => tabSeparated(columns, sorted));
  if (copy !== undefined) foot.append(copy);
  // The rows that are there lack the buttons for their other lines.
  if (body.querySelector('.others') !== null) fill();
}

/** A header's button: ascending, descending, then the order of the page again; numbers start with the largest. */
function makeSortable(
  header: HTMLElement,
  headers: readonly HTMLElement[],
  sort: (isDescending: boolean | undefined) => void,
): void {
  const isNumber = header.classList.contains('number');
  const order = isNumber ? ['descending', 'ascending', 'none'] : ['ascending', 'descending', 'none'];
  const title = header.textContent ?? '';
  header.textContent = '';
  header.setAttribute('aria-sort', 'none');
  header.append(
    button('sort', title, () => {
      const next = order[(order.indexOf(header.getAttribute('aria-sort') ?? 'none') + 1) % 3] as string;
      for (const other of headers) other.setAttribute('aria-sort', 'none');
      header.setAttribute('aria-sort', next);
      sort(next === 'none' ? undefined : next === 'descending');
    }),
  );
}

const COLLATOR = new Intl.Collator('en', { numeric: true });

/** A stable order by one column; empty cells come last either way. */
function sortRows(rows: readonly Row[], column: number, isDescending: boolean): Row[] {
  const sign = isDescending ? -1 : 1;
  return [...rows].sort((first, second) => {
    const [a, b] = [first[column] ?? null, second[column] ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    if (typeof a === 'string' || typeof b === 'string') return sign * COLLATOR.compare(String(a), String(b));
    return sign * (Number(a) - Number(b));
  });
}

function rowElement(row: Row, columns: readonly Column[]): HTMLTableRowElement {
  const made = element('tr');
  made.append(...columns.map(({ format }, index) => cellElement(row[index] ?? null, format)));
  return made;
}

function cellElement(cell: Cell, format: Column['format']): HTMLTableCellElement {
  const text = formatCell(cell, format);
  if (isNumeric(format)) return element('td', 'number', text);
  const lines = linesOf(text);
  if (lines.length < 2) return element('td', '', text);
  const made = element('td');
  const list = element('ul', 'lines');
  const { first, others } = shortened(lines);
  list.append(...first.map((line) => element('li', '', line)));
  if (others > 0) {
    const rest = element('li');
    rest.append(
      button('quiet', `and ${others} more`, () => {
        list.replaceChildren(...lines.map((line) => element('li', '', line)));
      }),
    );
    list.append(rest);
  }
  made.append(list);
  return made;
}

/** For a spreadsheet: whole numbers, one line a row; the lines of a cell are joined by commas. */
function tabSeparated(columns: readonly Column[], rows: readonly Row[]): string {
  const field = (cell: Cell) => {
    const text = String(cell ?? '')
      .replace(/\s*\n\s*/g, ', ')
      .replaceAll('\t', ' ');
    return typeof cell === 'string' && /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
  };
  return [columns.map(({ title }) => field(title)), ...rows.map((row) => row.map(field))]
    .map((cells) => cells.join('\t'))
    .join('\n');
}
