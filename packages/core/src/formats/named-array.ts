import { quote } from '../errors/index.js';
import { failFormat } from './format-error.js';

/** The array of that name among those of a file, or its only one where no name is given. @throws RadinError `FORMAT` that lists the names */
export function chooseNamed<T>(arrays: ReadonlyMap<string, T>, name: string | undefined, path: string): T {
  const only = arrays.size === 1 ? [...arrays.values()][0] : undefined;
  const chosen = name === undefined ? only : arrays.get(name);
  if (chosen !== undefined) return chosen;
  const names = [...arrays.keys()].slice(0, 8).map(quote);
  const found = `${names.join(', ') || 'none'}${arrays.size > names.length ? ` and ${arrays.size - names.length} more` : ''}`;
  const expected = name === undefined ? `one array, or its name as in ${path}:NAME,` : `an array ${quote(name)}`;
  return failFormat(expected, found, path);
}
