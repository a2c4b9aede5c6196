import type { SearchReport } from '@radin/core';
import { counted, table, text } from './blocks.js';
import type { Block, Cell } from './page.js';

type Run = Pick<SearchReport, 'timings' | 'versions' | 'reused'>;

/** Rows of names and values. */
export function settings(values: Readonly<Record<string, string | number>>): Cell[][] {
  return Object.entries(values).map(([name, value]) => [name, String(value)]);
}

/** The options and versions of a run, and its timings. */
export function runTables(prefix: string, { timings, versions, reused }: Run, options: Cell[][]): Block[] {
  const remembered = [
    reused.models > 0 && `the logits of ${counted(reused.models, 'model')}`,
    reused.evaluations > 0 && `the evaluations of ${counted(reused.evaluations, 'soup')}`,
  ].filter((part) => part !== false);
  return [
    table({
      id: `${prefix}-options`,
      title: 'Options and versions',
      columns: [
        { name: 'name', title: 'Option', format: 'text' },
        { name: 'value', title: 'Value', format: 'text' },
      ],
      rows: [...options, ...settings(versions)],
    }),
    ...(Object.keys(timings).length === 0
      ? []
      : [
          table({
            id: `${prefix}-timings`,
            title: 'Seconds',
            columns: [
              { name: 'phase', title: 'Phase', format: 'text' },
              { name: 'seconds', title: 'Seconds', format: 'number' },
            ],
            rows: Object.entries(timings).map(([phase, seconds]) => [phase, seconds]),
          }),
        ]),
    ...text(remembered.length > 0 && `Remembered from earlier runs: ${remembered.join(' and ')}.`),
  ];
}
