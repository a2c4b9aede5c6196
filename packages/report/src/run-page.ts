import type { Page } from './page.js';
import { DOCUMENT_KINDS, type DocumentKind, type RunDocument } from './run-documents.js';

/** Files of a run's folder that a report is made from, in its order. */
export const RUN_FILES: readonly string[] = Object.values(DOCUMENT_KINDS).map(({ file }) => file);

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage(documents: readonly RunDocument[]): Page {
  const pages = documents.map((document) => {
    // The kind is that of this document, which types cannot follow.
    const { title, page } = DOCUMENT_KINDS[document.schema] as DocumentKind<RunDocument>;
    return { kind: title, page: page(document) };
  });
  const [first, ...others] = pages;
  if (first === undefined) throw new RangeError('Expected a document at least but received none');
  if (others.length === 0) return first.page;
  return {
    title: first.page.title,
    subtitle: pages.map(({ kind, page }) => `${kind}: ${page.subtitle}`).join('. '),
    sections: pages.flatMap(({ kind, page }) =>
      page.sections.map((section) => ({ ...section, title: `${kind}: ${section.title}` })),
    ),
  };
}
