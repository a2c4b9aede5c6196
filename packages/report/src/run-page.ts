import type { Page } from './page.js';
import type { DocumentKind, DocumentKinds, Versioned } from './run-documents.js';

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage<Document extends Versioned>(
  documents: readonly Document[],
  kinds: DocumentKinds<Document>,
): Page {
  // The kind is that of the document, which types cannot follow.
  const byName = kinds as Readonly<Record<string, DocumentKind<Document>>>;
  const pages = documents.map((document) => (byName[document.schema] as DocumentKind<Document>).page(document));
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
