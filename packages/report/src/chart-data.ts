import type { Chart, Table } from './page.js';

/** The index of a row in the chart's data, with every datum that is drawn. */
export const ROW = 'radin_row';

/** Keys of a vega-lite specification whose text, or list of texts, names fields. */
const NAMES_FIELDS = new Set([
  'field',
  'fields',
  'groupby',
  'fold',
  'flatten',
  'key',
  'pivot',
  'impute',
  'on',
  'stack',
]);

/**
 * The name that each column has in a chart's specification, `undefined` where the specification does not mention it. A plain
 * identifier is its own name; any other could be read as a path (`top.5`, `a[0]`) or as a property of every object.
 */
export function fieldNames({ spec, data }: Chart): (string | undefined)[] {
  const text = JSON.stringify(spec);
  return data.columns.map(({ name }, index) => {
    if (!text.includes(JSON.stringify(name).slice(1, -1))) return undefined;
    return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !(name in {}) && name !== ROW ? name : `column_${index}`;
  });
}

/** A specification with its fields under the names of `fieldNames`; axes and legends without a title have the column's. */
export function renameFields(chart: Chart, names: readonly (string | undefined)[]): unknown {
  const renamed = new Map(chart.data.columns.map(({ name }, index) => [name, names[index] ?? name]));
  const rename = (value: unknown) => (typeof value === 'string' ? (renamed.get(value) ?? value) : value);
  const walk = (value: unknown, key: string): unknown => {
    if (NAMES_FIELDS.has(key) && typeof value === 'string') return rename(value);
    if (Array.isArray(value))
      return value.map((item) => (NAMES_FIELDS.has(key) && typeof item === 'string' ? rename(item) : walk(item, '')));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]));
  };
  return walk(titled(chart.spec, chart.data), '');
}

/** Gives every encoded field that has no title the title of its column. */
function titled(value: unknown, table: Table, isEncoding = false): unknown {
  if (Array.isArray(value)) return value.map((item) => titled(item, table));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    isEncoding ? withTitle(item, table) : titled(item, table, key === 'encoding'),
  ]);
  return Object.fromEntries(entries);
}

function withTitle(channel: unknown, table: Table): unknown {
  if (
    typeof channel !== 'object' ||
    channel === null ||
    'title' in channel ||
    'aggregate' in channel ||
    !('field' in channel)
  )
    return channel;
  const column = table.columns.find(({ name }) => name === channel.field);
  return column === undefined ? channel : { ...channel, title: column.title };
}

/** The rows of a table as a specification reads them: objects of the fields that have a name, and `ROW`. */
export function dataRows(
  rows: Table['rows'],
  names: readonly (string | null | undefined)[],
): Record<string, unknown>[] {
  return rows.map((row, index) => {
    const datum: Record<string, unknown> = { [ROW]: index };
    for (const [column, name] of names.entries()) {
      if (typeof name === 'string') datum[name] = row[column];
    }
    return datum;
  });
}
