import type { DocumentKinds } from '@radin/report';
import { paperPage } from './page/paper-page.js';
import { PAPER_SCHEMA, type PaperResult } from './result.js';
import { paperSchema } from './schema.js';

/** `paper.json` as a document that a page is made of. */
export const PAPER_KINDS: DocumentKinds<PaperResult> = {
  [PAPER_SCHEMA]: { title: 'The paper', file: 'paper.json', check: paperSchema, page: paperPage },
};
