import type { PaperResult } from '@radin/bench';
import type { ComparisonReport, SearchReport } from '@radin/core';
import type { DocumentKinds } from '@radin/report';

/** What a run leaves behind for its report, whichever command it was. */
export type RunDocument = SearchReport | ComparisonReport | PaperResult;

/** Every kind of document that has a report, whichever package has it; loaded here, since both draw. A further one joins here. */
export async function documentKinds(): Promise<DocumentKinds<RunDocument>> {
  const [{ DOCUMENT_KINDS }, { PAPER_KINDS }] = await Promise.all([import('@radin/report'), import('@radin/bench')]);
  return { ...DOCUMENT_KINDS, ...PAPER_KINDS };
}
