import type { Column } from '../page.js';

/** Models whose names a chart has room for. */
export const MOST_NAMED = 40;

export const SOUP: Column = { name: 'soup', title: 'Soup', format: 'text' };

export function inSoup(soup: ReadonlySet<string>, model: string): string {
  return soup.has(model) ? 'in the soup' : 'not in it';
}
