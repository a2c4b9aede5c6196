import { COMPARISON_SCHEMA, type ComparisonReport, SEARCH_SCHEMA, type SearchReport } from '@radin/core';
import type { z } from 'zod';
import { comparisonPage } from './comparison-page.js';
import { comparisonSchema, searchSchema } from './document-schema.js';
import type { Page } from './page.js';
import { searchPage } from './search-page.js';

/** What a run leaves behind for its report. */
export type RunDocument = SearchReport | ComparisonReport;

/** Every document says in its JSON what it is. */
export interface Versioned {
  readonly schema: string;
}

/** How one kind of document is called, checked and shown. */
export interface DocumentKind<Document> {
  /** What its sections are called on a page of several. */
  readonly title: string;
  /** In the folder of the run. */
  readonly file: string;
  readonly check: z.ZodType<Document>;
  page(document: Document): Page;
}

/** Kinds of documents by their schema, in the order of a page that has several. */
export type DocumentKinds<Document extends Versioned> = {
  readonly [One in Document as One['schema']]: DocumentKind<One>;
};

/** Those of this package. Other packages have kinds of their own, which whoever reads documents of both adds. */
export const DOCUMENT_KINDS: DocumentKinds<RunDocument> = {
  [SEARCH_SCHEMA]: { title: 'Search', file: 'result.json', check: searchSchema, page: searchPage },
  [COMPARISON_SCHEMA]: { title: 'Comparison', file: 'comparison.json', check: comparisonSchema, page: comparisonPage },
};
