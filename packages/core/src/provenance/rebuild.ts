import type { Backend } from '@radin/native';
import { RadinError } from '../errors/index.js';
import type { MemoryMeter } from '../evaluator/index.js';
import { isAdapterFile, openEach, openLoraAdapter, readWidestGraph } from '../formats/index.js';
import { withAdapterSoup } from '../huggingface/index.js';
import { accuracy, defaultMetric } from '../metric/index.js';
import { Mixture, Soup, type SoupRecord } from '../mixture/index.js';
import {
  alignCheckpoints,
  type Checkpoint,
  closeCheckpoints,
  FileCheckpoint,
  modelId,
  openCheckpoints,
  Pool,
} from '../pool/index.js';
import { type PredictionListener, Problem } from '../problem/index.js';
import type { SoupSources } from './lock.js';

/** The ingredients of a soup, in the order of its record. Holds files until it is closed. */
export interface OpenIngredients {
  /** In the names and dtypes of the soup. */
  readonly checkpoints: readonly Checkpoint[];
  close(): Promise<void>;
}

/** How a soup is made again. */
export interface RebuildOptions {
  readonly backend: Backend;
  readonly threads?: number;
  /** Bytes of memory that the estimate of BatchNorm statistics may take; averages keep to the backend's. */
  readonly maxMemory?: number;
  readonly meter?: MemoryMeter;
  readonly onPrediction?: PredictionListener;
  readonly signal?: AbortSignal;
}

/** Opens models as ingredients of a soup: alike to each other and to it. @throws RadinError where they are no pool */
export async function openIngredients(
  models: readonly string[],
  { base, stateDict, architecture }: SoupSources,
  soup: FileCheckpoint,
): Promise<OpenIngredients> {
  if (base === undefined && isAdapterFile(soup.path)) {
    const adapters = await openEach(models, (path) => FileCheckpoint.open(modelId(path), path));
    return { checkpoints: adapters, close: () => closeCheckpoints(adapters) };
  }
  const opened = await openCheckpoints(models, { base, stateDict });
  try {
    // A soup as an adapter has other tensors than the models that its ingredients are with their base.
    const others = isAdapterFile(soup.path) ? [] : soup.tensors;
    // By it the soup's weights have their names.
    const reference =
      soup.onnx?.graph ?? (architecture === undefined ? undefined : await readWidestGraph(architecture));
    const { checkpoints, problems } = alignCheckpoints(opened, { reference, others });
    if (problems[0] !== undefined) throw new RadinError('POOL', problems[0].message);
    return { checkpoints: new Pool(checkpoints).checkpoints, close: () => closeCheckpoints(opened) };
  } catch (error) {
    await closeCheckpoints(opened);
    throw error;
  }
}

/**
 * Makes a soup again from its ingredients, with the recorded weights, and lets `use` read it.
 * @throws RadinError where the sources lack what the soup was made with; what `use` throws
 */
export async function withRebuilt<T>(
  record: SoupRecord,
  { checkpoints }: OpenIngredients,
  models: readonly string[],
  sources: SoupSources,
  options: RebuildOptions,
  use: (soup: Checkpoint) => Promise<T>,
): Promise<T> {
  const mixture = recordedMixture(record);
  if (record.batchNorm === undefined) return use(new Soup(new Pool(checkpoints), mixture, options.backend));
  const problem = await openForStatistics(record.batchNorm, models, sources, options);
  try {
    return await use(await problem.soups.open(mixture, options.signal ? { signal: options.signal } : {}));
  } finally {
    await problem.dispose();
  }
}

/** The same for the soup as an adapter. */
export async function withRebuiltAdapter<T>(
  record: SoupRecord,
  models: readonly string[],
  { base }: SoupSources,
  use: (soup: Checkpoint) => Promise<T>,
): Promise<T> {
  const adapters = await openEach(models, openLoraAdapter);
  try {
    return await withAdapterSoup(adapters, recordedMixture(record), base, use);
  } finally {
    await Promise.all(adapters.map((adapter) => adapter.close()));
  }
}

async function openForStatistics(
  recorded: NonNullable<SoupRecord['batchNorm']>,
  models: readonly string[],
  { batch, validation, ...sources }: SoupSources,
  { backend, threads, maxMemory, meter, onPrediction }: RebuildOptions,
): Promise<Problem> {
  if (validation === undefined || sources.batchNormInputs === undefined) {
    throw new RadinError(
      'CONFIG',
      'Expected the inputs on which the BatchNorm statistics of the soup were estimated (--pool, with bn_inputs) but found none',
    );
  }
  const task = sources.task?.name;
  const metric = task === undefined ? accuracy : defaultMetric(task);
  const problem = await Problem.open(
    { ...sources, validation, models },
    {
      metric,
      backend: backend.name,
      splits: [],
      ...(threads && { threads }),
      ...(batch && { batch }),
      ...(maxMemory !== undefined && { maxMemory }),
      ...(meter && { meter }),
    },
  );
  onPrediction?.(problem.memory.predicted?.peakMemory);
  const { estimator } = problem.soups;
  if (estimator !== undefined && (await problem.keys.inputsSha256(estimator.inputs)) === recorded.inputs)
    return problem;
  await problem.dispose();
  throw new RadinError(
    'DATA',
    `Expected the inputs on which the BatchNorm statistics of the soup were estimated, sha256 ${recorded.inputs}, but found others`,
  );
}

/** @throws RadinError where the weights are none */
function recordedMixture({ weights }: SoupRecord): Mixture {
  try {
    return Mixture.recorded(weights);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RadinError('FORMAT', `${error.message} as the recorded weights`, { cause: error });
  }
}
