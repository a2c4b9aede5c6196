import { SEARCH_SCHEMA } from '@radin/core';
import { comparisonPage } from './comparison-page.js';
import type { Page } from './page.js';
import type { RunDocument } from './read-document.js';
import { searchPage } from './search-page.js';

/** Files of a run's folder that a report is made from, in its order. The page of a further document joins here and in `pageOf`. */
export const RUN_FILES = ['result.json', 'comparison.json'] as const;

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage(documents: readonly RunDocument[]): Page {
  const pages = documents.map(pageOf);
  const [first, ...others] = pages;
  if (first === undefined) throw new RangeError('Expected a document at least but received none');
  if (others.length === 0) return first;
  return {
    title: 'RADIN report',
    subtitle: pages.map(({ title, subtitle }) => `${title}: ${subtitle}`).join('. '),
    sections: pages.flatMap(({ title, sections }) =>
      sections.map((section) => ({ ...section, title: `${title}: ${section.title}` })),
    ),
  };
}

function pageOf(document: RunDocument): Page {
  return document.schema === SEARCH_SCHEMA ? searchPage(document) : comparisonPage(document);
}
