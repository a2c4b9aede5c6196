import {
  type CallOptions,
  type ComparisonReport,
  type Mixture,
  printedReport,
  type RunRecord,
  type SearchReport,
  type SplitScorer,
} from '@radin/core';
import type { WrittenResults } from '../output/output-folder.js';
import { type ReportOptions, reportBeside, wroteLine } from '../output/run-report.js';
import { type CommandContext, type OpenRun, recordOf } from './run-context.js';
import { isOver, reportOnTest, type TestStage } from './test-stage.js';

/** A choice by the validation samples, and what is to be done with it. */
export interface Conclusion<Found, Report> {
  readonly method: string;
  readonly mixture: Mixture;
  /** Whether the user asked to finish before all was evaluated. */
  readonly isEarly: boolean;
  /** Writes soup and document without test scores. */
  readonly write: () => Promise<WrittenResults<Report>>;
  readonly onTest: (test: SplitScorer, call: CallOptions) => Promise<Found>;
  /** Writes them again with what the test split says; undefined where that changes nothing. */
  readonly rewrite: (tested: TestStage<Found>) => Promise<WrittenResults<Report>> | undefined;
  /** What else the user should know of the test scores, a line each. */
  readonly notices?: (found: Found) => readonly string[];
  /** The answer for people. @param wrote the last line */
  readonly text: (report: Report, record: RunRecord, wrote: string, found: Found | undefined) => string;
  /** What to say of a run that was interrupted, before where its results are. */
  readonly interruptedText: (tested: TestStage<Found>) => string;
  /** Why the choice is no answer to what was asked, where it is none. */
  readonly loss: Error | undefined;
}

/**
 * Ends a run in the one order in which nothing that only reports can have a say: soup and document are written, the choice is noted, and then
 * the test split is opened, whose scores are added. What was found is printed whatever fails behind it.
 * @throws the first failure, after that
 */
export async function concludeRun<Found, Report extends SearchReport | ComparisonReport>(
  { problem, terminal, journal }: OpenRun,
  options: ReportOptions & { readonly out: string; readonly json?: true },
  context: CommandContext,
  conclusion: Conclusion<Found, Report>,
): Promise<void> {
  const { interruption, print, printJson } = context;
  const { method, mixture, isEarly, loss } = conclusion;
  const written = await conclusion.write();
  if (!isEarly) await journal?.choose(method, mixture, problem);
  const tested = await reportOnTest(problem, terminal, context, conclusion.onTest);
  terminal.finish();
  const { found } = tested;
  const results = await interruption.finishable(async () => (await conclusion.rewrite(tested)) ?? written);
  const interrupted = isEarly || tested.interrupted;
  const { report, soup, json } = results;
  const more = found === undefined ? [] : (conclusion.notices?.(found) ?? []);
  for (const notice of [...more, ...soup.notices]) terminal.notice(`note: ${notice}`);
  if (interrupted) {
    const what = conclusion.interruptedText(tested);
    interruption.finished(`${what} in ${soup.paths.join(', ')} and ${json}; the same command goes on from there`);
  }
  const record = recordOf(problem, terminal);
  // Before the page, for which there may be no time where the user asked to finish.
  if (options.json) printJson(printedReport(report, record));
  const { paths, failure } = await interruption.finishable(() => reportBeside(options.out, report, options));
  if (!interrupted && isOver(tested)) await journal?.finish(record);
  if (!options.json) print(conclusion.text(report, record, wroteLine([...soup.paths, json, ...paths]), found));
  for (const one of [interrupted ? undefined : loss, tested.failure, failure]) if (one !== undefined) throw one;
}
