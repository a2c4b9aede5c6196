import type { Fact, Page, Section } from '@radin/report';
import { environmentText } from '../../table.js';
import type { PaperMethod, PaperResult, PaperRow, PooledCandidates } from '../result.js';
import { percent, points, shownScore } from '../table-text.js';
import { candidatesText, PAPER_LEGEND, statisticsLines } from '../text.js';
import { budgetSection } from './budget-section.js';
import { costSection } from './cost-section.js';
import { estimateSection } from './estimate-section.js';
import { sizeSection } from './size-section.js';
import { runsSection, tableSection } from './table-section.js';

/** The paper's tables and figures of one pool as a page, the answer first. */
export function paperPage(result: PaperResult): Page {
  const { pool } = result;
  const samples = [
    `${pool.samples.validation.toLocaleString('en')} validation`,
    ...(pool.samples.test === undefined ? [] : [`${pool.samples.test.toLocaleString('en')} test`]),
  ].join(' and ');
  return {
    title: `RADIN’s tables and figures for ${pool.name}`,
    subtitle: `${pool.models.length} models, ${samples} samples of ${pool.classes} classes, ${pool.metric}; ${candidatesText(result)}`,
    sections: [
      answer(result),
      tableSection(result),
      costSection(result),
      estimateSection(result),
      budgetSection(result),
      sizeSection(result),
      runsSection(result),
      method(result),
    ],
  };
}

function answer(result: PaperResult): Section {
  const { rows, settings, reported, pooled, notices } = result;
  const largest = settings.budgets.at(-1) as number;
  const row = (method: PaperMethod) =>
    rows.find((one) => one.method === method && (one.budget === null || one.budget === largest));
  const individual = row('best-individual') as PaperRow;
  const fact = (label: string, method: PaperMethod): Fact[] => {
    const found = row(method);
    if (found === undefined) return [];
    const score = shownScore(found);
    const gain = points(score.mean - shownScore(individual).mean);
    const note =
      method === 'best-individual'
        ? `95 % interval ${percent(found.interval.lower)} to ${percent(found.interval.upper)}`
        : `${gain} points over the best individual${found.runs > 1 ? `; sd ${percent(score.deviation)} over ${found.runs} seeds` : ''}`;
    return [{ label, value: `${percent(score.mean)}\u00a0%`, note }];
  };
  return {
    id: 'answer',
    title: `The answer, on ${reported}`,
    blocks: [
      {
        kind: 'facts',
        facts: [
          ...fact('Best individual', 'best-individual'),
          ...fact(`Greedy, B = ${largest}`, 'greedy'),
          ...fact(`RADIN, λ = 0, B = ${largest}`, 'radin'),
          ...fact(`RADIN, λ = ${settings.lambda}, B = ${largest}`, 'radin-prior'),
        ],
      },
      {
        kind: 'facts',
        facts: [
          ...fact(`Adaptive, B = ${largest}`, 'adaptive'),
          ...fact('Oracle over the candidates', 'oracle'),
          ...spearmanFact(pooled),
        ],
      },
      {
        kind: 'text',
        text: [
          ...statisticsLines(result).map((line) => `${line.charAt(0).toUpperCase()}${line.slice(1)}.`),
          ...notices.map((notice) => `Note: ${notice}.`),
        ].join('\n\n'),
      },
    ],
  };
}

function spearmanFact({ rhoWithoutPrior, rhoWithPrior }: PooledCandidates): Fact[] {
  if (rhoWithoutPrior === null) return [];
  const note = `with the prior ${rhoWithPrior?.mean.toFixed(3) ?? 'not defined'}; means over the seeds`;
  return [{ label: 'Spearman’s ρ of estimate and real score', value: rhoWithoutPrior.mean.toFixed(3), note }];
}

function method({ environment, settings, cost }: PaperResult): Section {
  const uniform = settings.includeUniform
    ? 'The uniform soup is one of the candidates.'
    : 'The uniform soup is none of the candidates, as in the paper’s evaluation.';
  return {
    id: 'method',
    title: 'How this was made',
    blocks: [
      {
        kind: 'text',
        text: [
          `The validation split chooses and the test split only reports; where there is none, scores are of the validation split and say so. Candidates are Monte-Carlo subsets of 2 to N − 1 models (RADIN, 4.1), drawn anew for each seed. ${uniform} All searches ask one memory of ${cost.soups.toLocaleString('en')} soups, each evaluated once.`,
          PAPER_LEGEND,
          `${environmentText(environment)}.`,
        ].join('\n\n'),
      },
    ],
  };
}
