import type { SearchReport } from '@radin/core';
import { text } from '../blocks.js';
import type { Block } from '../page.js';
import type { Scores } from '../scores.js';
import { budgetCurve } from './budget-curve.js';
import { estimateCharts } from './estimates.js';
import { scoresBySize } from './sizes.js';

/** How the search came to its choice. */
export function course(report: SearchReport, scores: Scores): Block[] {
  if (report.evaluations === 0) return text('No soup was evaluated.');
  return [...budgetCurve(report, scores), ...estimateCharts(report, scores), ...scoresBySize(report, scores)];
}
