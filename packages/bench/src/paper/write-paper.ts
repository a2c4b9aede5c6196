import { join } from 'node:path';
import { makeFolder, RadinError, writeTextAtomically } from '@radin/core';
import { exportPage, renderPage } from '@radin/report';
import { paperJson } from './json.js';
import { paperPage } from './page/paper-page.js';
import type { PaperResult } from './result.js';

/**
 * Writes `paper.json`, the page `report.html`, and into `figures` each chart as SVG and PNG and each table as CSV.
 * @returns what was written, in words
 * @throws RadinError (`FILE`) where that cannot be written
 */
export async function writePaper(result: PaperResult, folder: string): Promise<string> {
  await makePaperFolder(folder);
  const page = paperPage(result);
  const [json, html] = [join(folder, 'paper.json'), join(folder, 'report.html')];
  await writeTextAtomically(json, paperJson(result));
  await writeTextAtomically(html, await renderPage(page));
  const figures = await exportPage(page, join(folder, 'figures'), ['svg', 'png', 'csv']);
  return `wrote ${html}, ${json} and ${figures.length} files in ${join(folder, 'figures')}`;
}

/** Makes the folder: better before the evaluations than after them. @throws RadinError (`FILE`) */
export async function makePaperFolder(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: NodeJS.ErrnoException) => {
    const found = error.code ?? error.message;
    throw new RadinError('FILE', `Expected to write to the folder ${folder} but found: ${found}`, { cause: error });
  });
}
