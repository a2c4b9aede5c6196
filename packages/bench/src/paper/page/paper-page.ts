import type { Page, Section } from '@radin/report';
import { environmentText } from '../../table.js';
import type { PaperResult } from '../result.js';
import { candidatesText, PAPER_LEGEND } from '../text.js';
import { answerSection } from './answer.js';
import { budgetSection } from './budget-section.js';
import { costSection } from './cost-section.js';
import { estimateSection } from './estimate-section.js';
import { sizeSection } from './size-section.js';
import { seedTables, statisticsSection } from './statistics-section.js';
import { runTables, tableSection } from './table-section.js';

/** The paper's tables and figures of one pool as a page, the answer first. */
export function paperPage(result: PaperResult): Page {
  const { pool } = result;
  const samples = [
    `${pool.samples.validation.toLocaleString('en')} validation`,
    ...(pool.samples.test === undefined ? [] : [`${pool.samples.test.toLocaleString('en')} test`]),
  ].join(' and ');
  return {
    title: `${pool.name}: the paper’s tables and figures`,
    subtitle: `${counted(pool.models.length, 'model')}, ${samples} samples of ${pool.classes} classes, ${pool.metric}; ${candidatesText(result)}. “The paper” is RADIN: Souping on a Budget, “[4]” Model soups (Wortsman et al. 2022).`,
    sections: [
      answerSection(result),
      tableSection(result),
      budgetSection(result),
      estimateSection(result),
      sizeSection(result),
      costSection(result),
      statisticsSection(result),
      details(result),
      method(result),
    ],
  };
}

function details(result: PaperResult): Section {
  return {
    id: 'details',
    title: 'Every seed and run',
    blocks: [...seedTables(result), ...runTables(result)].map((table) => ({ kind: 'table', table })),
  };
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
          `The validation split chooses and the test split only reports; where there is none, scores are of the validation split and say so. Candidates are Monte-Carlo subsets of 2 to N − 1 models (RADIN, 4.1), drawn anew for each seed. ${uniform} All searches ask one memory of ${counted(cost.soups, 'soup')}, each evaluated once.`,
          PAPER_LEGEND,
          `${environmentText(environment)}.`,
        ].join('\n\n'),
      },
    ],
  };
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
