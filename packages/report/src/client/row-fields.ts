import { formatCell } from '../format-cell.js';
import { linesOf } from '../page-data.js';
import type { TableRows } from './chart-view.js';
import { element } from './element.js';

/** The lines of a row's details: its models. */
export function modelsOf({ rows }: TableRows, row: number, details: number): string[] {
  return linesOf(rows[row]?.[details] ?? null);
}

/** A row's other fields as a list of terms, all as text. */
export function fieldList({ columns, rows }: TableRows, row: number, details: number): HTMLElement {
  const list = element('dl', 'fields');
  for (const [index, { title, format }] of columns.entries()) {
    const cell = rows[row]?.[index] ?? null;
    if (index === details || cell === null) continue;
    const pair = element('div');
    pair.append(element('dt', '', title), element('dd', '', formatCell(cell, format)));
    list.append(pair);
  }
  return list;
}

export function count(models: readonly string[]): string {
  return models.length === 1 ? '1 model' : `${models.length} models`;
}
