import { join } from 'node:path';
import { makeFolder, RadinError, writeTextAtomically } from '@radin/core';
import { type ExportFormat, exportPage, renderPage } from '@radin/report';
import { paperJson } from './json.js';
import { paperPage } from './page/paper-page.js';
import type { PaperResult } from './result.js';

export interface PaperReportOptions {
  /** Whether the page is written. */
  readonly report: boolean;
  /** Of the charts and tables that are to be files of their own. */
  readonly format: readonly ExportFormat[];
}

/** Writes `paper.json` into the folder, which is made if need be. @returns its path @throws RadinError (`FILE`) */
export async function writePaperJson(result: PaperResult, folder: string): Promise<string> {
  await makePaperFolder(folder);
  const file = join(folder, 'paper.json');
  await writeTextAtomically(file, paperJson(result));
  return file;
}

/**
 * Writes `paper.json`, the page `report.html`, and into `charts` its charts and tables in the formats asked for.
 * @returns what was written, in words
 * @throws RadinError (`FILE`) where that cannot be written
 */
export async function writePaper(
  result: PaperResult,
  folder: string,
  { report, format }: PaperReportOptions,
): Promise<string> {
  const written = [await writePaperJson(result, folder)];
  const page = paperPage(result);
  if (report) {
    const html = join(folder, 'report.html');
    await writeTextAtomically(html, await renderPage(page));
    written.push(html);
  }
  if (format.length > 0) {
    const charts = join(folder, 'charts');
    const files = await exportPage(page, charts, format);
    written.push(`${files.length} files in ${charts}`);
  }
  return `wrote ${written.join(', ').replace(/, (?=[^,]*$)/, ' and ')}`;
}

/** Makes the folder: better before the evaluations than after them. @throws RadinError (`FILE`) */
export async function makePaperFolder(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: NodeJS.ErrnoException) => {
    const found = error.code ?? error.message;
    throw new RadinError('FILE', `Expected to write to the folder ${folder} but found: ${found}`, { cause: error });
  });
}
