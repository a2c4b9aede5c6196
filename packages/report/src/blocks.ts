import type { Block, Chart, Column, Table } from './page.js';

export function text(...sentences: readonly (string | false | undefined)[]): Block[] {
  const said = sentences.filter((sentence) => sentence);
  return said.length === 0 ? [] : [{ kind: 'text', text: said.join(' ') }];
}

export function table(content: Table): Block {
  return { kind: 'table', table: content };
}

/** A chart whose data is called as the chart is. */
export function chart({
  id,
  title,
  data,
  ...rest
}: Omit<Chart, 'data'> & { readonly data: Omit<Table, 'id' | 'title'> }): Block {
  return { kind: 'chart', chart: { id, title, ...rest, data: { id, title, ...data } } };
}

/** Names of models as a cell that is shown as details: one per line. */
export function names(models: readonly string[]): string {
  return models.join('\n');
}

export const MODELS: Column = { name: 'models', title: 'Models', format: 'text' };

/** A number with its noun. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`;
}

/** Longest name in a title. */
const TITLED = 60;

/** The pool's name before what was found of it. */
export function titled(name: string | undefined, found: string): string {
  if (name === undefined || name === '') return capital(found);
  const half = TITLED / 2;
  return `${name.length > TITLED ? `${name.slice(0, half)}…${name.slice(-half)}` : name}: ${found}`;
}

export function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Candidates that a chart shows: drawing 2,000 takes a third of a second. */
export const MOST_CANDIDATES = 2000;
