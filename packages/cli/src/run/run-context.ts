import { tmpdir } from 'node:os';
import {
  formatBytes,
  isOnnx,
  logitsBytes,
  MULTI_CLASS,
  outputsAreProbabilities,
  type PoolFiles,
  Problem,
  type ProblemOptions,
  RadinError,
  type RunPlan,
  type RunRecord,
  type TaskName,
} from '@radin/core';
import type { DryRunOptions, PoolOptions, ShardOptions } from '../options/options.js';
import type { CandidateOptions, HoldOutOptions, RestartOptions } from '../options/search-options.js';
import { checkSpace, freeBytes } from '../output/disk-space.js';
import { checkOutputFolder } from '../output/output-folder.js';
import { prepareSoup, soupBytes } from '../output/soup-output.js';
import { chooseMetric, metricFlag } from '../pool/metric-choice.js';
import { resolvePool } from '../pool/pool-files.js';
import { peakNotice } from '../terminal/peak-notice.js';
import { Terminal } from '../terminal/terminal.js';
import { openCache } from './cache-folder.js';
import type { Interruption } from './interruption.js';
import { closingJournal, RunJournal } from './run-journal.js';

/** What every command is given: when to stop, and where results go. */
export interface CommandContext {
  readonly signal: AbortSignal;
  /** For commands that can finish early with what is known. */
  readonly interruption: Interruption;
  /** Prints a result for people to standard output. */
  readonly print: (text: string) => void;
  /** Prints a result for programs to standard output. */
  readonly printJson: (value: unknown) => void;
}

/** What a command does with its problem. */
interface ProblemUse {
  readonly splits?: ProblemOptions['splits'];
  readonly plan?: RunPlan;
  /** Whether the run goes on where it was ended, by the journal in the folder of `out`. */
  readonly journaled?: boolean;
}

/** What a command works with. */
export interface OpenRun {
  readonly problem: Problem;
  readonly terminal: Terminal;
  readonly options: ProblemOptions;
  /** Of the pool, where it has one. */
  readonly name: string | undefined;
  readonly files: PoolFiles;
  /** Where the command has a run folder. */
  readonly journal: RunJournal | undefined;
}

/** Opens the pool that a command names and gives it to `run`, says what the user should know about it, and closes it whatever happens. */
export async function withProblem<T>(
  pool: string | undefined,
  options: PoolOptions &
    HoldOutOptions &
    Partial<CandidateOptions> &
    ShardOptions &
    DryRunOptions &
    RestartOptions & { readonly out?: string; readonly only?: string; readonly signal?: AbortSignal },
  run: (open: OpenRun) => Promise<T>,
  { splits, plan, journaled = false }: ProblemUse = {},
): Promise<T> {
  const { name, files, metric } = await resolvePool(pool, options);
  if (options.out !== undefined) await checkOutputFolder(options.out, files);
  if (options.maxShardSize !== undefined && files.models.every(isOnnx)) {
    throw new RadinError(
      'CONFIG',
      'Expected no --max-shard-size for models in ONNX, whose soup is written in ONNX, but found one',
    );
  }
  const { backend, threads, batch, holdout, seed = 0, maxMemory } = options;
  const { evaluationTimeout: timeout, evaluationMemory: memory } = options;
  const problemOptions: ProblemOptions = {
    metric: await chooseMetric(metricFlag(options.metric) ?? metric, files.task?.name ?? MULTI_CLASS.name),
    backend,
    ...(threads && { threads }),
    ...(batch && { batch }),
    limits: { ...(timeout && { timeout }), ...(memory && { memory }) },
    ...(splits && { splits }),
    ...(plan && { run: plan }),
    ...(maxMemory && { maxMemory }),
    ...(holdout && { holdOut: { fraction: holdout, seed } }),
  };
  const terminal = new Terminal(options, problemOptions.metric);
  if (splits?.includes('test') && files.test === undefined) {
    throw new RadinError(
      'CONFIG',
      'Expected a test split (test: in radin.yaml, or --test-inputs and --test-labels) but found none',
    );
  }
  const { out, dryRun } = options;
  const notice = (text: string) => terminal.notice(text);
  const cache = await openCache(options.cache, notice, dryRun);
  const journal = journaled && out !== undefined && !dryRun ? await RunJournal.open(out, options, notice) : undefined;
  const remembering = {
    ...(cache && { cache }),
    ...(journal && { journal: journal.journal, ...(cache === undefined && { logitsStore: journal.logitsStore }) }),
  };
  return closingJournal(journal, async () => {
    const problem = await Problem.open(files, { ...problemOptions, ...remembering });
    try {
      const notices = [...problem.notices, ...(await prepareSoup(problem.pool, out))];
      for (const text of notices) notice(`note: ${text}`);
      await checkDisk(problem, out, cache?.folder, terminal);
      const result = await run({ problem, terminal, options: problemOptions, name, files, journal });
      if (maxMemory !== undefined && !dryRun) notice(memoryNotice(problem, maxMemory));
      return result;
    } finally {
      terminal.finish();
      await problem.dispose();
    }
  });
}

function memoryNotice({ memory }: Problem, allowed: number): string {
  const { peak, isOfAll } = memory.meter;
  return peakNotice({ peak, isOfAll, predicted: memory.predicted?.peakMemory, allowed });
}

/** What only this run can tell. */
export function recordOf({ backend, validation, soups: { estimator } }: Problem, { timings }: Terminal): RunRecord {
  const { reused } = validation;
  return { backend: backend.name, reused, timings, ...(estimator && { batchNormPasses: estimator.passes }) };
}

/** Whether there is room for what the run cannot do without, and a notice where there is none for what it would like to keep. @throws RadinError */
async function checkDisk(
  { pool, memory, scorers, unopenedTest }: Problem,
  out: string | undefined,
  cache: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const { sizes, shares } = memory;
  // With test scores it is written once more, beside the one that was on disk before these were known.
  const copies = unopenedTest === undefined ? 1 : 2;
  if (out !== undefined) await checkSpace(out, copies * (await soupBytes(pool)), 'the soup');
  const logits = logitsBytes(sizes);
  if (shares !== undefined && logits > shares.logits) {
    await checkSpace(cache ?? tmpdir(), logits, "the models' logits, which --max-memory leaves no room for,");
  }
  // Given logits are where they are.
  if (cache === undefined || scorers.get('validation')?.hasGivenLogits) return;
  const free = await freeBytes(cache);
  if (free !== undefined && free < logits) {
    terminal.notice(
      `note: logits of ${formatBytes(logits)} may not all be kept for later runs: ${formatBytes(free)} are free in ${cache}`,
    );
  }
}

/**
 * The passes of all models, then one over their weights, which lie in the system's cache by then; notices of models that are the same
 * or far from the others.
 */
export async function cachePool(
  problem: Problem,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<{ models: readonly string[]; samples: number; classes: number; task?: TaskName }> {
  const call = { signal, onProgress: terminal.onProgress };
  const cached = await problem.validation.cache(call);
  const { models, samples, classes } = cached;
  const { task } = problem.validation;
  terminal.finish();
  const probabilities = await outputsAreProbabilities(cached, task, signal);
  if (probabilities !== undefined) terminal.notice(`warning: ${probabilities}`);
  for (const notice of await problem.duplicateNotices()) terminal.notice(`note: ${notice}`);
  const notices = await problem.basinNotices(call);
  terminal.finish();
  for (const notice of notices) terminal.notice(`note: ${notice}`);
  return { models, samples, classes, ...(task !== MULTI_CLASS.name && { task }) };
}
