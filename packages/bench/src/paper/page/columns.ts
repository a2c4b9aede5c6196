import type { Cell, Column } from '@radin/report';

/** A column and the cell that each item has in it. */
export interface Field<T> extends Column {
  readonly cell: (item: T) => Cell | undefined;
}

export function field<T>(
  name: string,
  title: string,
  format: Column['format'],
  cell: (item: T) => Cell | undefined,
): Field<T> {
  return { name, title, format, cell };
}

/** The columns that some item has a cell for, and a row for each item. */
export function columnsAndRows<T>(
  fields: readonly Field<T>[],
  items: readonly T[],
): { columns: Column[]; rows: Cell[][] } {
  const rows = items.map((item) => fields.map(({ cell }) => cell(item) ?? null));
  const used = fields.map((_, index) => rows.length === 0 || rows.some((row) => row[index] !== null));
  return {
    columns: fields.filter((_, index) => used[index]).map(({ name, title, format }) => ({ name, title, format })),
    rows: rows.map((row) => row.filter((_, index) => used[index])),
  };
}
