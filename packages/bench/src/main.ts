import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RadinError } from '@radin/core';
import { UsageError } from './command-line.js';
import { markdownOf, readResult, writeTables } from './document.js';
import { machineSlug } from './environment.js';
import { compareEstimates } from './estimates/compare-estimates.js';
import type { EstimatesOptions } from './estimates/options.js';
import { ESTIMATES_LEGEND, estimatesText } from './estimates/text.js';
import { benchmarkKernels } from './kernels.js';
import { type KernelsOptions, parseOptions, type TableOptions, USAGE } from './options.js';
import { writeSubsetCounts } from './paper/all-subsets-file.js';
import { paperJson, withFirstCandidates } from './paper/json.js';
import type { PaperOptions } from './paper/options.js';
import { howToGoOn, type PaperRunResult, runPaper } from './paper/run-paper.js';
import { PAPER_LEGEND, paperText } from './paper/text.js';
import { makePaperFolder, writePaper } from './paper/write-paper.js';
import type { SoupingOptions } from './souping/options.js';
import { benchmarkSouping } from './souping/souping.js';
import { soupingText } from './souping/text.js';
import { readOwnSplits } from './soups/pool-folder.js';
import { compareStrategies } from './strategies/compare-strategies.js';
import type { StrategiesOptions } from './strategies/options.js';
import { poolText, STRATEGIES_LEGEND } from './strategies/text.js';
import { environmentText, LEGEND, resultText } from './table.js';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

async function kernels(options: KernelsOptions): Promise<void> {
  // An exit, unlike a signal that nobody handles, removes the gigabytes of temporary files.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  const result = await benchmarkKernels(options, {
    onNotice: (text) => process.stderr.write(`note: ${text}\n`),
    onEnvironment: (environment) => process.stdout.write(`${environmentText(environment)}\n${LEGEND}\n`),
    onResult: (found) => process.stdout.write(`\n${resultText(found)}\n`),
  });
  writeJson(options.json, result);
  if (options.save) {
    mkdirSync(RESULTS, { recursive: true });
    writeJson(`${RESULTS}kernels-${machineSlug(result.environment)}.json`, result);
  }
}

async function strategies(options: StrategiesOptions): Promise<void> {
  const result = await compareStrategies(options, {
    onEnvironment: (environment) => process.stdout.write(`${environmentText(environment)}\n${STRATEGIES_LEGEND}\n`),
    onProgress: (text) => process.stderr.write(`${text}\n`),
    onResult: (found) => process.stdout.write(`\n${poolText(found, options)}\n`),
  });
  writeJson(options.json, result);
}

async function estimates(options: EstimatesOptions): Promise<void> {
  const result = await compareEstimates(options, {
    onEnvironment: (environment) => process.stdout.write(`${environmentText(environment)}\n${ESTIMATES_LEGEND}\n`),
    onProgress: (text) => process.stderr.write(`${text}\n`),
    onResult: (found) => process.stdout.write(`\n${estimatesText(found)}\n`),
  });
  writeJson(options.json, result);
}

async function souping(options: SoupingOptions): Promise<void> {
  const result = await benchmarkSouping(options, {
    onNotice: (text) => process.stderr.write(`note: ${text}\n`),
    onEnvironment: (environment) => process.stdout.write(`${environmentText(environment)}\n`),
    onProgress: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(`\n${soupingText(result)}\n`);
  writeJson(options.json, result);
}

async function paper(options: PaperOptions): Promise<void> {
  const { pool, out, json, save, quiet, cache } = options;
  // Better before half an hour of evaluation than after.
  if (out !== undefined) await makePaperFolder(out);
  const name = basename(resolve(pool));
  const onProgress = (text: string) => {
    if (!quiet) process.stderr.write(`${name}: ${text}\n`);
  };
  const known = [`${RESULTS}subsets-${name}.gz`].filter((file) => existsSync(file));
  const signal = firstSignal();
  let found: PaperRunResult;
  try {
    found = await runPaper({ name, ...readOwnSplits(pool) }, options, { onProgress, signal }, known);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write(`bench: interrupted: no tables were written; ${howToGoOn(cache)}\n`);
    process.exitCode = 130;
    return;
  }
  const { result, subsets } = found;
  const shown = quiet ? { ...result, notices: [] } : result;
  process.stdout.write(`${environmentText(result.environment)}\n${PAPER_LEGEND}\n\n${paperText(shown)}\n`);
  if (json !== undefined) writeFileSync(json, paperJson(result));
  if (out !== undefined) process.stdout.write(`${await writePaper(result, out, options)}\n`);
  if (save) {
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(`${RESULTS}paper-${name}.json`, paperJson(withFirstCandidates(result)));
    if (subsets !== undefined) await writeSubsetCounts(`${RESULTS}subsets-${name}.gz`, subsets);
  }
}

/** Aborted by the first Ctrl-C or request to end; the second ends the process as if nobody listened. */
function firstSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('interrupted')));
  return stop.signal;
}

/** Writes what a run found, where a file is asked for. */
function writeJson(file: string | undefined, result: unknown): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
}

async function table({ file, into }: TableOptions): Promise<void> {
  const result = await readResult(file);
  if (into === undefined) process.stdout.write(`${markdownOf(result)}\n`);
  else writeTables(into, result);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.command === 'help') process.stdout.write(USAGE);
  else if (options.command === 'kernels') await kernels(options);
  else if (options.command === 'strategies') await strategies(options);
  else if (options.command === 'estimates') await estimates(options);
  else if (options.command === 'souping') await souping(options);
  else if (options.command === 'paper') await paper(options);
  else await table(options);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof RadinError)) throw error;
  process.stderr.write(`bench: error: ${error.message}; --help lists the options\n`);
  process.exitCode = 2;
}
