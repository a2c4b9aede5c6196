import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { PaperResult } from '@radin/bench';
import { RadinError } from '@radin/core';
import type { Command } from 'commander';
import { type CommonOptions, withCommonOptions } from '../options/common-options.js';
import { integer } from '../options/option-values.js';
import { withMaxMemory, withPoolFlags, withThreads } from '../options/options.js';
import { withBudgets } from '../options/search-options.js';
import { checkOutputFolder } from '../output/output-folder.js';
import { type ReportOptions, reportBeside, withReport, wroteLine } from '../output/run-report.js';
import { type PoolFlags, resolvePool } from '../pool/pool-files.js';
import type { CommandContext } from '../run/run-context.js';
import { peakNotice } from '../terminal/peak-notice.js';

interface BenchOptions extends PoolFlags, CommonOptions, ReportOptions {
  readonly budgets: readonly number[];
  readonly seeds?: number;
  readonly candidates?: number;
  readonly includeUniform?: true;
  readonly quick?: true;
  readonly bruteForce?: true;
  readonly out: string;
  readonly cache?: string;
  readonly threads?: number;
  readonly maxMemory?: number;
}

export function addBench(command: Command, context: CommandContext): void {
  command.argument('[pool]', 'folder with a radin.yaml, or that file');
  withCommonOptions(withReport(withMaxMemory(withThreads(withBudgets(withPoolFlags(command))))))
    .option('--seeds <S>', 'seeds of the candidates (default: 20)', integer(1, 1000))
    .option('--candidates <C>', 'Monte-Carlo candidates of each seed (default: 200)', integer(1, 10_000))
    .option('--include-uniform', 'make the uniform soup a candidate, which the paper’s evaluation leaves out')
    .option('--quick', '3 seeds of 100 candidates')
    .option('--brute-force', 'evaluate all 2^N − 1 subsets too, N ≤ 16; can be interrupted and goes on in the next run')
    .option('--out <folder>', 'where paper.json and the page report.html are written', 'radin-bench')
    .option(
      '--cache <folder>',
      'where evaluations are kept for later runs (default: evaluations in the folder of --out)',
    )
    .addHelpText('after', '\nExample:\n  radin bench examples/digits --quick --out bench')
    .action((pool: string | undefined, options: BenchOptions) => runBench(pool, options, context));
}

async function runBench(
  pool: string | undefined,
  options: BenchOptions,
  { signal, interruption, print, printJson }: CommandContext,
): Promise<void> {
  const { files, metric } = await resolvePool(pool, options);
  if (files.task !== undefined) {
    throw new RadinError('CONFIG', `Expected a multi-class pool for this benchmark but found ${files.task.name}`);
  }
  const { out, cache = join(out, 'evaluations'), quick, json, quiet, threads = availableParallelism() } = options;
  await checkOutputFolder(out, files);
  // Loaded here, since no other command needs it.
  const { defaultChoices, howToGoOn, paperText, runPaper, writePaperJson } = await import('@radin/bench');
  const choices = {
    ...defaultChoices(quick === true),
    ...(options.seeds && { seeds: options.seeds }),
    ...(options.candidates && { candidates: options.candidates }),
    budgets: [...new Set(options.budgets)].sort((a, b) => a - b),
    includeUniform: options.includeUniform === true,
    bruteForce: options.bruteForce === true,
    cache,
    threads,
    ...(options.maxMemory !== undefined && { maxMemory: options.maxMemory }),
  };
  const onProgress = (text: string) => {
    if (!quiet) process.stderr.write(`radin: ${text}\n`);
  };
  const named = { name: nameOf(pool, files.graph ?? '.'), files, metric: metric?.text ?? 'accuracy' };
  let result: PaperResult;
  interruption.resumable = true;
  try {
    const run = await runPaper(named, choices, { onProgress, signal });
    ({ result } = run);
    if (run.memory !== undefined) onProgress(peakNotice(run.memory));
  } catch (error) {
    if (!signal.aborted) throw error;
    interruption.finished(`interrupted: no tables were written; ${howToGoOn(cache)}`);
    return;
  }
  await interruption.finishable(async () => {
    const file = await writePaperJson(result, out);
    const { paths, failure } = await reportBeside(out, result, options);
    if (json) printJson(result);
    else print(`${paperText(quiet ? { ...result, notices: [] } : result)}\n\n${wroteLine([file, ...paths])}`);
    if (failure !== undefined) throw failure;
  });
}

/** The folder's name: of the pool, of its radin.yaml, or of the graph. */
function nameOf(pool: string | undefined, graph: string | undefined): string {
  const path = resolve(pool ?? dirname(graph ?? '.'));
  return basename(/\.ya?ml$/.test(path) ? dirname(path) : path);
}
