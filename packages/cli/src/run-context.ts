import {
  isOnnx,
  MULTI_CLASS,
  outputsAreProbabilities,
  Problem,
  type ProblemOptions,
  RadinError,
  type TaskName,
} from '@radin/core';
import { openCache } from './cache-folder.js';
import type { Interruption } from './interruption.js';
import { chooseMetric, metricFlag } from './metric-choice.js';
import type { CandidateOptions, HoldOutOptions, PoolOptions, ShardOptions } from './options.js';
import { checkOutputFolder } from './output-folder.js';
import { resolvePool } from './pool-files.js';
import { prepareSoup } from './soup-output.js';
import { Terminal } from './terminal.js';

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

/** Opens the pool that a command names, gives it and its name to `run`, says what the user should know about it, and closes it whatever happens. */
export async function withProblem<T>(
  pool: string | undefined,
  options: PoolOptions &
    HoldOutOptions &
    Partial<CandidateOptions> &
    ShardOptions & { readonly out?: string; readonly only?: string },
  run: (problem: Problem, terminal: Terminal, problemOptions: ProblemOptions, name: string | undefined) => Promise<T>,
  splits?: ProblemOptions['splits'],
): Promise<T> {
  const { name, files, metric } = await resolvePool(pool, options);
  if (options.out !== undefined) await checkOutputFolder(options.out, files.models);
  if (options.maxShardSize !== undefined && files.models.every(isOnnx)) {
    throw new RadinError(
      'CONFIG',
      'Expected no --max-shard-size for models in ONNX, whose soup is written in ONNX, but found one',
    );
  }
  const { backend, threads, batch, holdout, evaluationTimeout: timeout, evaluationMemory: memory, seed = 0 } = options;
  const problemOptions: ProblemOptions = {
    metric: await chooseMetric(metricFlag(options.metric) ?? metric, files.task?.name ?? MULTI_CLASS.name),
    backend,
    ...(threads && { threads }),
    ...(batch && { batch }),
    limits: { ...(timeout && { timeout }), ...(memory && { memory }) },
    ...(splits && { splits }),
    ...(holdout && { holdOut: { fraction: holdout, seed } }),
  };
  const terminal = new Terminal(options, problemOptions.metric);
  if (splits?.includes('test') && files.test === undefined) {
    throw new RadinError(
      'CONFIG',
      'Expected a test split (test: in radin.yaml, or --test-inputs and --test-labels) but found none',
    );
  }
  const cache = await openCache(options.cache, (text) => terminal.notice(text));
  const problem = await Problem.open(files, { ...problemOptions, ...(cache && { cache }) });
  try {
    const notices = [...problem.notices, ...(await prepareSoup(problem.pool, options.out))];
    for (const notice of notices) terminal.notice(`note: ${notice}`);
    return await run(problem, terminal, problemOptions, name);
  } finally {
    terminal.finish();
    await problem.dispose();
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
