import { metricTitle, type SearchReport } from '@radin/core';
import { counted } from './blocks.js';
import type { Page } from './page.js';
import { poolSection } from './pool-section.js';
import { poolSize } from './pool-size.js';
import { scoresOf } from './scores.js';
import { answer, answerTitle } from './search/answer.js';
import { course } from './search/course.js';
import { run } from './search/run.js';

/** The report of a search: what was found and how far it can be trusted, how it was found, the pool, the run. */
export function searchPage(report: SearchReport): Page {
  const { pool } = report;
  const scores = scoresOf(report);
  return {
    title: answerTitle(report, scores),
    subtitle: `${counted(pool.models, 'model')}, ${poolSize(pool)}; ${metricTitle(scores.metric)}; strategy ${report.method}`,
    sections: [
      { id: 'search-answer', title: 'What was found', blocks: answer(report, scores) },
      { id: 'search-course', title: 'How it was found', blocks: course(report, scores) },
      poolSection('search', report, new Set(report.best.models), scores),
      { id: 'search-run', title: 'The run', blocks: run(report) },
    ],
  };
}
