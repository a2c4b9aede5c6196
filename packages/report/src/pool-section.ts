import type { ExplanationReport, PoolReport } from '@radin/core';
import { text } from './blocks.js';
import type { Section } from './page.js';
import { disagreementChart } from './pool/disagreement.js';
import { distancesChart } from './pool/distances.js';
import { modelScores } from './pool/model-scores.js';
import { modelValues } from './pool/model-values.js';
import type { Scores } from './scores.js';

/**
 * The single models: scores, values to the ensemble, how often they differ, how far apart they are.
 * @param prefix of every id @param soup the models of the chosen soup
 */
export function poolSection(
  prefix: string,
  report: PoolReport & { readonly explanation?: ExplanationReport },
  soup: ReadonlySet<string>,
  scores: Scores,
): Section {
  return {
    id: `${prefix}-pool`,
    title: 'The pool',
    blocks: [
      ...report.models.flatMap(({ warning }) => text(warning && `Warning: ${warning}.`)),
      ...modelScores(prefix, report.models, soup, scores),
      ...(report.explanation ? modelValues(prefix, report.explanation, soup, scores) : []),
      ...disagreementChart(prefix, report),
      ...distancesChart(prefix, report.models, soup, scores),
    ],
  };
}
