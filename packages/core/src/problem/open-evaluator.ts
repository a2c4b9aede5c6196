import type { Split } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { OnnxEvaluator } from '../evaluator/index.js';
import { unsuppliedInitializers } from '../pool/index.js';
import { checkMetric } from '../stage1/index.js';
import type { OpenPool } from './open-pool.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';

/** What runs the pool's models. */
export interface OpenEvaluator {
  readonly evaluator: OnnxEvaluator;
  /** What the user should know of how models and graph fit, a line each. */
  readonly notices: readonly string[];
}

/** Starts what runs the models and checks the splits and the metric against it. @throws RadinError where they do not fit */
export async function openEvaluator(
  { pool, checkpoints, graph }: OpenPool,
  files: PoolFiles,
  splits: readonly Split[],
  { threads, batch, metric }: Pick<ProblemOptions, 'threads' | 'batch' | 'metric'>,
): Promise<OpenEvaluator> {
  const evaluator = await OnnxEvaluator.open(graph, pool, {
    ...(threads && { threads }),
    ...(batch && { batch }),
    ...(files.output && { output: files.output }),
    ...(files.task && { task: files.task.name }),
    ...(files.rename && { rename: files.rename }),
  });
  try {
    for (const split of splits) {
      evaluator.check(split);
      if (metric.needsGroups && split.labels.groups === undefined) throw noGroups(split.name, metric.name);
    }
    const { classes, names } = evaluator.plan;
    if (classes !== undefined) checkMetric(metric, classes);
    const unsupplied = unsuppliedInitializers(graph, checkpoints, names).map(
      (name) =>
        `no model has the tensor ${name} of the graph ${files.graph}: the graph's own value is used in every soup`,
    );
    return { evaluator, notices: [...(names.notice ? [names.notice] : []), ...unsupplied] };
  } catch (error) {
    await evaluator.dispose();
    throw error;
  }
}

function noGroups(split: Split['name'], metric: string): RadinError {
  const flag = split === 'test' ? '--test-groups' : '--val-groups';
  return new RadinError(
    'CONFIG',
    `Expected a group of each ${split} sample for ${metric} (groups: beside its labels in radin.yaml, or ${flag}) but found none`,
  );
}
