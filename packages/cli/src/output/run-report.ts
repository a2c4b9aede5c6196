import { dirname, join } from 'node:path';
import { writeTextAtomically } from '@radin/core';
import type { ExportFormat } from '@radin/report';
import { type Command, InvalidArgumentError } from 'commander';
import { list } from '../options/option-values.js';
import { documentKinds, type RunDocument } from './document-kinds.js';

/** What the report of a run is named, and the folder of its charts and tables beside it. */
export const REPORT_FILE = 'report.html';
const EXPORTS_FOLDER = 'charts';

const FORMATS: readonly ExportFormat[] = ['svg', 'png', 'csv', 'json', 'md'];

export interface ReportOptions {
  /** False for `--no-report`. */
  readonly report: boolean;
  readonly format?: readonly ExportFormat[];
}

export function withFormat(command: Command): Command {
  const format = (text: string) => {
    const found = FORMATS.find((name) => name === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`some of ${FORMATS.join(', ')}`);
  };
  return command.option(
    '--format <name,…>',
    `also write each chart and table of the report into ${EXPORTS_FOLDER}/: some of ${FORMATS.join(', ')}`,
    list(format),
  );
}

export function withReport(command: Command): Command {
  return withFormat(command.option('--no-report', `write no ${REPORT_FILE}`));
}

export interface ReportRequest {
  /** Left out: no page is written, only exports. */
  readonly file?: string;
  /** Where the folder of the exports is. */
  readonly folder: string;
  readonly formats: readonly ExportFormat[];
}

/**
 * Writes the report of a run's documents and what is to be exported of it. The libraries that draw are loaded here and nowhere else:
 * they take longer than most commands.
 * @returns the paths written, the page first
 * @throws RadinError where a file cannot be written
 */
export async function writeReport(documents: readonly RunDocument[], request: ReportRequest): Promise<string[]> {
  const { file, folder, formats } = request;
  if (file === undefined && formats.length === 0) return [];
  const { exportPage, renderPage, runPage } = await import('@radin/report');
  const page = runPage(documents, await documentKinds());
  if (file !== undefined) await writeTextAtomically(file, await renderPage(page));
  const exported = formats.length === 0 ? [] : await exportPage(page, join(folder, EXPORTS_FOLDER), formats);
  return [...(file === undefined ? [] : [file]), ...exported];
}

/** What a command that has just written its results writes beside them; a failure is left for after the results are printed. */
export async function reportBeside(
  folder: string,
  document: RunDocument,
  { report, format = [] }: ReportOptions,
): Promise<{ readonly paths: readonly string[]; readonly failure?: Error }> {
  const file = join(folder, REPORT_FILE);
  try {
    return { paths: await writeReport([document], { ...(report && { file }), folder, formats: format }) };
  } catch (error) {
    return { paths: [], failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** `wrote A, B and C`: exported files by their folder, of which there may be many. */
export function wroteLine(paths: readonly string[]): string {
  const isExport = (path: string) => dirname(path).split(/[\\/]/).at(-1) === EXPORTS_FOLDER;
  const exported = paths.filter(isExport);
  const folder = dirname(exported[0] ?? '');
  const named = [
    ...paths.filter((path) => !isExport(path)),
    ...(exported.length === 0 ? [] : [`${exported.length} files in ${folder}`]),
  ];
  const last = named.at(-1) ?? 'nothing';
  return `wrote ${named.length < 2 ? last : `${named.slice(0, -1).join(', ')} and ${last}`}`;
}
