import type { Page } from './page.js';
import { DOCUMENT_KINDS, type DocumentKind, type RunDocument } from './run-documents.js';

/** Files of a run's folder that a report is made from, in its order. */
export const RUN_FILES: readonly string[] = Object.values(DOCUMENT_KINDS).map(({ file }) => file);

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage(documents: readonly RunDocument[]): Page {
  const pages = documents.map((document) =>
    // The kind is that of this document, which types cannot follow.
    (DOCUMENT_KINDS[document.schema] as DocumentKind<RunDocument>).page(document),
  );
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
