import type { ComparisonReport } from '@radin/core';
import { table } from '../blocks.js';
import type { Block } from '../page.js';
import type { Scores } from '../scores.js';

/** Greedy's steps: which model it tried, what the soup with it scored, and whether it was kept. */
export function greedyTrace({ rows }: ComparisonReport, scores: Scores): Block[] {
  const traces = rows.flatMap(({ trace }) => (trace === undefined ? [] : [trace]));
  const longest = traces.reduce<(typeof traces)[number]>((a, b) => (b.length > a.length ? b : a), []);
  if (longest.length === 0) return [];
  return [
    table({
      id: 'comparison-greedy',
      title: 'Greedy’s steps',
      columns: [
        { name: 'step', title: 'Step', format: 'integer' },
        { name: 'model', title: 'Tries', format: 'text' },
        scores.column('valScore', 'Soup with it, validation'),
        { name: 'kept', title: 'Kept', format: 'text' },
      ],
      rows: longest.map(({ model, valScore, kept }, at) => [at + 1, model, valScore ?? null, kept ? 'yes' : 'no']),
      note: 'Models come in the order of their own validation scores; one is kept where the soup with it scores at least as high.',
    }),
  ];
}
