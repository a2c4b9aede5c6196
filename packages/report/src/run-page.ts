import type { Page } from './page.js';
import { DOCUMENT_KINDS, type DocumentKind, type RunDocument } from './run-documents.js';

/** Files of a run's folder that a report is made from, in its order. */
export const RUN_FILES: readonly string[] = Object.values(DOCUMENT_KINDS).map(({ file }) => file);

/** The report of the documents of one folder, one at least; of several on one page, one after the other. */
export function runPage(documents: readonly RunDocument[]): Page {
  const pages = documents.map((document) => {
    // The kind is that of this document, which types cannot follow.
    const { title, page } = DOCUMENT_KINDS[document.schema] as DocumentKind<RunDocument>;
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
function withoutLineEnds(document: RunDocument): RunDocument {
  if (!document.models.some(({ model }) => /[\r\n]/.test(model))) return document;
  const text = JSON.stringify(document).replace(/\\([\\rn])/g, (escaped, of) => (of === '\\' ? escaped : '\u2424'));
  return JSON.parse(text) as RunDocument;
}
