import { table } from './blocks.js';
import type { Block, Cell } from './page.js';

/** Rows of names and values. */
export function settings(values: Readonly<Record<string, string | number>>): Cell[][] {
  return Object.entries(values).map(([name, value]) => [name, String(value)]);
}

/** The options of a run and the versions that its result depends on. */
export function runTable(prefix: string, options: Cell[][], versions: Readonly<Record<string, string>>): Block {
  return table({
    id: `${prefix}-options`,
    title: 'Options and versions',
    columns: [
      { name: 'name', title: 'Option', format: 'text' },
      { name: 'value', title: 'Value', format: 'text' },
    ],
    rows: [...options, ...settings(versions)],
  });
}
