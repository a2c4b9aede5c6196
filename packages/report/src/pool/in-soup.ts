import type { Cell, Column } from '../page.js';

/** Models whose names a chart has room for. */
export const MOST_NAMED = 40;

export const SOUP: Column = { name: 'soup', title: 'Soup', format: 'text' };

const KINDS = ['in the soup', 'not in it'];

export function inSoup(soup: ReadonlySet<string>, model: string): string {
  return soup.has(model) ? 'in the soup' : 'not in it';
}

/** The soup's models stand out; `rows` have the column `SOUP` last. */
export const SOUP_ENCODING = {
  color: { field: SOUP.name, type: 'nominal', title: null, scale: { domain: KINDS } },
  opacity: { field: SOUP.name, type: 'nominal', title: null, scale: { domain: KINDS, range: [1, 0.65] } },
} as const;

/** Rows of the soup's models last, where they are drawn over the others. */
export function soupLast(rows: readonly Cell[][]): Cell[][] {
  return rows.toSorted((a, b) => Number(a.at(-1) === KINDS[0]) - Number(b.at(-1) === KINDS[0]));
}
