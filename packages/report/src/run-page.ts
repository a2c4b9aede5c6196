import type { Page } from './page.js';
import type { DocumentKind, DocumentKinds, Versioned } from './run-documents.js';

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage<Document extends Versioned>(
  documents: readonly Document[],
  kinds: DocumentKinds<Document>,
): Page {
  // The kind is that of the document, which types cannot follow.
  const byName = kinds as Readonly<Record<string, DocumentKind<Document>>>;
  const pages = documents.map((document) => {
    const { title, page } = byName[document.schema] as DocumentKind<Document>;
    return { kind: title, page: page(withoutLineEnds(document)) };
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

/** A file's name may hold line ends; lists of models have one on each line, so they are shown as U+2424. */
function withoutLineEnds<Document>(document: Document): Document {
  const text = JSON.stringify(document);
  const plain = text.replace(/\\([\\rn])/g, (escaped, of) => (of === '\\' ? escaped : '\u2424'));
  return plain === text ? document : JSON.parse(plain);
}
