import type { Split } from '../data/index.js';
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
  { threads, batch, metric, limits, maxWeightBytes }: Omit<ProblemOptions, 'backend' | 'cache'>,
): Promise<OpenEvaluator> {
  const evaluator = await OnnxEvaluator.open(graph, pool, {
    ...(threads && { threads }),
    ...(batch && { batch }),
    ...limits,
    ...(maxWeightBytes !== undefined && { maxWeightBytes }),
    ...(files.output && { output: files.output }),
    ...(files.rename && { rename: files.rename }),
  });
  try {
    for (const split of splits) evaluator.check(split);
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
