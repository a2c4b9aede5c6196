import { type ComparisonReport, metricTitle } from '@radin/core';
import { counted } from './blocks.js';
import { answer, answerTitle } from './comparison/answer.js';
import { budgetCharts } from './comparison/budgets.js';
import { greedyTrace } from './comparison/greedy.js';
import { methodTables, soupTable } from './comparison/method-table.js';
import type { Page } from './page.js';
import { poolSection } from './pool-section.js';
import { poolSize } from './pool-size.js';
import { runTable, settings } from './run-table.js';
import { scoresOf } from './scores.js';

/** The report of a comparison: the pool's Table 1, what each method gains per evaluation, greedy's steps, the pool, the run. */
export function comparisonPage(report: ComparisonReport): Page {
  const { pool, rows, written, budgets, candidates, sampler, seed, versions } = report;
  const scores = scoresOf(report);
  const soup = rows.find(({ method, budget }) => method === written.method && budget === written.budget);
  const options = settings({
    Budgets: budgets.join(', '),
    'Candidates of each sampler': candidates,
    Samplers: sampler.replaceAll(',', ', '),
    Metric: metricTitle(scores.metric),
    Seed: seed,
  });
  return {
    title: answerTitle(report, scores),
    subtitle: `${counted(pool.models, 'model')}, ${poolSize(pool)}; ${metricTitle(scores.metric)}`,
    sections: [
      {
        id: 'comparison-answer',
        title: 'What was found',
        blocks: [...answer(report, scores), ...methodTables(report, scores)],
      },
      {
        id: 'comparison-budgets',
        title: 'What evaluations bring',
        blocks: [...budgetCharts(report, scores), ...greedyTrace(report, scores), soupTable(report)],
      },
      poolSection('comparison', report, new Set(soup?.models), scores),
      { id: 'comparison-run', title: 'The run', blocks: [runTable('comparison', options, versions)] },
    ],
  };
}
