import type { SearchReport } from '@radin/core';
import type { Block } from '../page.js';
import { runTable, settings } from '../run-table.js';

/** What would have to be the same for the same result. */
export function run(report: SearchReport): Block[] {
  const { method, budget, lambda, sampler, seed, racing, estimate, metric, versions } = report;
  const { name, temperature, smoothing } = estimate;
  const parts = [
    name,
    ...(temperature === 'none' ? [] : [`temperature ${temperature}`]),
    ...(smoothing === undefined ? [] : [`smoothing ${smoothing}`]),
  ];
  return [
    runTable(
      'search',
      settings({
        Strategy: method,
        'Budget B': budget,
        ...(method === 'adaptive' ? {} : { 'Prior λ': lambda }),
        Samplers: sampler.replaceAll(',', ', '),
        Estimate: parts.join(', '),
        Racing: racing,
        Metric: metric,
        Seed: seed,
      }),
      versions,
    ),
  ];
}
