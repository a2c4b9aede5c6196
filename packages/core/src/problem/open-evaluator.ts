import type { Split } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { CommandEvaluator, OnnxEvaluator } from '../evaluator/index.js';
import { unsuppliedInitializers } from '../pool/index.js';
import { checkMetric } from '../stage1/index.js';
import type { EvaluationMemoryUse } from './open-memory.js';
import type { OpenPool } from './open-pool.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/** What a thread's copies of a tensor may take more than its bytes, as each begins at a multiple of 64. */
const ALIGNMENT = 2 * 64;

/** What runs the pool's models. */
export interface OpenEvaluator {
  readonly evaluator: OnnxEvaluator | CommandEvaluator;
  /** Checks a split against it, before evaluations on the split are asked for. @throws RadinError */
  admit(split: Split): void;
  /** What the user should know of how models and graph fit, a line each. */
  readonly notices: readonly string[];
}

/** Starts what runs the models and checks against it the metric and what is named of the splits. @throws RadinError where they do not fit */
export async function openEvaluator(
  { pool, checkpoints, graph, constants, notices }: OpenPool,
  files: PoolFiles,
  splits: readonly ('validation' | 'test')[],
  { threads, batch, metric, limits, maxWeightBytes }: Omit<ProblemOptions, 'backend' | 'cache'>,
  { shares, meter }: EvaluationMemoryUse,
): Promise<OpenEvaluator> {
  for (const name of splits) {
    if (metric.needsGroups && files[name]?.groups === undefined) throw noGroups(name, metric.name);
  }
  if (files.evaluator !== undefined) {
    const evaluator = new CommandEvaluator(files.evaluator, metric);
    const notice = `each evaluation runs ${evaluator.words.join(' ')} in ${files.evaluator.folder}`;
    return { evaluator, admit: (split) => evaluator.admit(split), notices: [...notices, notice] };
  }
  if (graph === undefined) throw new RangeError('Expected the graph of a pool without a command to be open');
  for (const name of splits) checkHasInputs(files, name);
  const evaluator = await OnnxEvaluator.open(graph, pool, {
    ...(threads && { threads }),
    ...(shares && {
      threads: shares.atOnce,
      maxWeightBytes: shares.weights + shares.atOnce * pool.tensors.length * ALIGNMENT,
    }),
    ...(batch && { batch }),
    ...limits,
    ...(maxWeightBytes !== undefined && { maxWeightBytes }),
    ...(files.output && { output: files.output }),
    ...(files.task && { task: files.task.name }),
    ...(files.rename && { rename: files.rename }),
    constants,
    meter,
  });
  try {
    const { classes, names } = evaluator.plan;
    if (classes !== undefined) checkMetric(metric, classes);
    const unsupplied = unsuppliedInitializers(graph, checkpoints, names).map(
      (name) =>
        `no model has the tensor ${name} of the graph ${graph.path}: the graph's own value is used in every soup`,
    );
    return {
      evaluator,
      admit: (split) => evaluator.check(split),
      notices: [...notices, ...(names.notice ? [names.notice] : []), ...unsupplied],
    };
  } catch (error) {
    await evaluator.dispose();
    throw error;
  }
}

function noGroups(split: 'validation' | 'test', metric: string): RadinError {
  const flag = split === 'test' ? '--test-groups' : '--val-groups';
  return new RadinError(
    'CONFIG',
    `Expected a group of each ${split} sample for ${metric} (groups: beside its labels in radin.yaml, or ${flag}) but found none`,
  );
}

function checkHasInputs(files: PoolFiles, split: 'validation' | 'test'): void {
  if (files[split]?.inputs !== undefined) return;
  throw new RadinError(
    'CONFIG',
    `Expected inputs of the ${split} split, which the graph runs on, but found labels only`,
  );
}
