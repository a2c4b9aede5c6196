import type { Backend } from '@radin/native';
import { BatchNormEstimator } from '../batch-norm/index.js';
import { readInputs } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { type LogitsKeys, OnnxEvaluator } from '../evaluator/index.js';
import { batchNormFacts } from '../pool/index.js';
import type { OpenEvaluator } from './open-evaluator.js';
import type { EvaluationMemoryUse } from './open-memory.js';
import type { OpenPool } from './open-pool.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';
import { SoupMaker } from './soup-maker.js';

/** What makes the pool's soups. */
export interface OpenSoupMaker {
  readonly soups: SoupMaker;
  /** Stands in the keys of evaluations for what besides averaging makes the soups; undefined for nothing. */
  readonly preparation: string | undefined;
  readonly notices: readonly string[];
}

/** Reads the inputs for BatchNorm, where the pool has any, and checks the graph. @throws RadinError */
export async function openSoupMaker(
  { pool, checkpoints, graph, constants }: OpenPool,
  evaluator: OpenEvaluator['evaluator'],
  { batchNormInputs, output, rename }: PoolFiles,
  { threads, batch, limits, maxWeightBytes }: ProblemOptions,
  { shares, meter }: EvaluationMemoryUse,
  backend: Backend,
  keys: LogitsKeys | undefined,
): Promise<OpenSoupMaker> {
  if (batchNormInputs === undefined) {
    const known = graph !== undefined && evaluator instanceof OnnxEvaluator;
    return {
      soups: new SoupMaker(pool, backend, undefined),
      preparation: undefined,
      notices: known ? batchNormFacts(graph, checkpoints, evaluator.plan.names).notices : [],
    };
  }
  if (graph === undefined || !(evaluator instanceof OnnxEvaluator)) {
    throw new RadinError(
      'CONFIG',
      'Expected a graph to run on the inputs for BatchNorm (bn_inputs, or --bn-inputs) but found the command of an evaluator',
    );
  }
  const inputs = await readInputs(batchNormInputs);
  try {
    evaluator.checkInputs(inputs);
    const estimator = new BatchNormEstimator(graph, pool, inputs, {
      ...(threads && { threads }),
      ...(batch && { batch }),
      ...limits,
      ...(maxWeightBytes !== undefined && { maxWeightBytes }),
      // One soup is open at a time, and its weights are counted for each thread.
      ...(shares && { threads: shares.atOnce }),
      meter,
      ...(output && { output }),
      ...(rename && { rename }),
      constants,
    });
    const preparation = keys && `batch-norm ${JSON.stringify((await keys.run(inputs)).inputs)}`;
    return { soups: new SoupMaker(pool, backend, estimator), preparation, notices: [] };
  } catch (error) {
    inputs.close();
    throw error;
  }
}
