import { COMPARISON_SCHEMA, type ComparisonReport, SEARCH_SCHEMA, type SearchReport } from '@radin/core';
import type { z } from 'zod';
import { comparisonPage } from './comparison-page.js';
import { comparisonSchema, searchSchema } from './document-schema.js';
import type { Page } from './page.js';
import { searchPage } from './search-page.js';

/** What a run leaves behind for its report. */
export type RunDocument = SearchReport | ComparisonReport;

/** How one kind of document is called, checked and shown. */
export interface DocumentKind<Document> {
  /** What its sections are called on a page of several. */
  readonly title: string;
  /** In the folder of the run. */
  readonly file: string;
  readonly check: z.ZodType<Document>;
  page(document: Document): Page;
}

/** Every kind of document that has a report, by its schema, in the order of a page that has several. A further one joins here. */
export const DOCUMENT_KINDS: { readonly [Document in RunDocument as Document['schema']]: DocumentKind<Document> } = {
  [SEARCH_SCHEMA]: { title: 'Search', file: 'result.json', check: searchSchema, page: searchPage },
  [COMPARISON_SCHEMA]: { title: 'Comparison', file: 'comparison.json', check: comparisonSchema, page: comparisonPage },
};
