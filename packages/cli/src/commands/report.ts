import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RadinError } from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import { documentKinds, type RunDocument } from '../output/document-kinds.js';
import { REPORT_FILE, type ReportOptions, withFormat, writeReport, wroteLine } from '../output/run-report.js';
import type { CommandContext } from '../run/run-context.js';

interface ReportCommandOptions extends CommonOptions, Pick<ReportOptions, 'format'> {
  readonly out?: string;
}

export function addReport(command: Command, context: CommandContext): void {
  command
    .argument('<folder>', 'what was --out of the run')
    .option('--out <file>', `the HTML file (default: ${REPORT_FILE} in the folder)`);
  withCommonOptions(withFormat(command))
    .addHelpText('after', '\nExample:\n  radin report radin-out --format svg,csv')
    .action((folder: string, options: ReportCommandOptions) => report(folder, options, context));
}

async function report(
  folder: string,
  { out, format = [], json }: ReportCommandOptions,
  { print, printJson }: CommandContext,
): Promise<void> {
  const file = out ?? join(folder, REPORT_FILE);
  // Nothing that a run has written ends in this.
  if (!/\.html?$/i.test(file)) {
    throw new RadinError('CONFIG', `Expected --out to be a file that ends in .html but found ${file}`);
  }
  const documents = await readDocuments(folder);
  const paths = await writeReport(documents, { file, folder: dirname(file), formats: format });
  if (json) printJson({ report: file, exports: paths.slice(1) });
  else print(wroteLine(paths));
}

async function readDocuments(folder: string): Promise<RunDocument[]> {
  const { readRunDocument } = await import('@radin/report');
  const kinds = await documentKinds();
  const files = Object.values(kinds).map(({ file }) => file);
  const documents: RunDocument[] = [];
  for (const name of files) {
    const path = join(folder, name);
    if (await exists(path)) documents.push(await readRunDocument(path, kinds));
  }
  if (documents.length > 0) return documents;
  throw new RadinError('FILE', `Expected ${files.join(' or ')} in the folder ${folder} but found none`);
}

/** Whether there is anything; whether it can be read is found out by reading it. */
async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
}
