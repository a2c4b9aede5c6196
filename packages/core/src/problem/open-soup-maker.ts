import type { Backend } from '@radin/native';
import { BatchNormEstimator, countBatchNorms } from '../batch-norm/index.js';
import { readInputs } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { type LogitsKeys, OnnxEvaluator } from '../evaluator/index.js';
import type { OpenEvaluator } from './open-evaluator.js';
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
  { pool, graph, constants }: OpenPool,
  evaluator: OpenEvaluator['evaluator'],
  { batchNormInputs, output, rename }: PoolFiles,
  { threads, batch, limits, maxWeightBytes }: ProblemOptions,
  backend: Backend,
  keys: LogitsKeys | undefined,
): Promise<OpenSoupMaker> {
  if (batchNormInputs === undefined) {
    const layers = graph === undefined ? 0 : countBatchNorms(graph, pool, { ...(rename && { rename }) });
    const notice = `the graph has ${layers} BatchNorm layers of which soups get averaged running statistics, which often ruin them: --bn-inputs, with some hundred training inputs, has them estimated anew`;
    return {
      soups: new SoupMaker(pool, backend, undefined),
      preparation: undefined,
      notices: layers > 0 ? [notice] : [],
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
