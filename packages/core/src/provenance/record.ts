import { allOrNone } from '../all-or-none.js';
import { labelsSha256, type Split } from '../data/index.js';
import { ONNXRUNTIME_VERSION } from '../evaluator/index.js';
import { changedFile } from '../formats/index.js';
import { type Metric, MULTI_CLASS } from '../metric/index.js';
import { AVERAGING_VERSION, type Mixture, plainRecord, type RecordedSplit, type SoupRecord } from '../mixture/index.js';
import { type Checkpoint, FileCheckpoint, type KnownContents, type Pool } from '../pool/index.js';
import type { Problem } from '../problem/index.js';

/** How a command chose a mixture, as it is recorded. */
export interface RecordedChoice {
  /** RADIN's version. */
  readonly version: string;
  readonly method: string;
  readonly budget: number;
  readonly seed: number;
  readonly metric: Metric;
  /** The fraction of the validation samples that was kept out of it. */
  readonly holdOut?: number | undefined;
  /** Of the soup, by split; undefined where it was not measured. */
  readonly scores: Readonly<Record<string, number | undefined>>;
}

/** The record of an average of models that nobody evaluated. Cost: one read of the ingredients, unless `contents` knows them. @throws RadinError */
export async function averageRecord(
  pool: Pick<Pool, 'checkpoints' | 'ids'>,
  mixture: Mixture,
  contents: KnownContents,
  version: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SoupRecord & Required<Pick<SoupRecord, 'versions'>>> {
  const ingredients = mixture.ingredientsOf(pool.checkpoints);
  return {
    format: 1,
    ...plainRecord(mixture, pool.ids),
    sha256: await allOrNone(ingredients, (model, _, signal) => contents.sha256(model, { signal }), options.signal),
    versions: { radin: version, averaging: AVERAGING_VERSION },
  };
}

/** The record of the soup that was chosen on a pool. Cost: reads of what is not hashed yet. @throws RadinError */
export async function choiceRecord(
  { pool, soups, keys, scorers, memory }: Problem,
  mixture: Mixture,
  { version, method, budget, seed, metric, holdOut, scores }: RecordedChoice,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SoupRecord> {
  const record = await averageRecord(pool, mixture, keys.contents, version, options);
  const splits: [string, RecordedSplit][] = [];
  for (const [name, { split }] of scorers) splits.push([name, await recordedSplit(split, keys)]);
  const task = scorers.get('validation')?.task ?? MULTI_CLASS.name;
  const { estimator } = soups;
  const measured = Object.entries(scores).flatMap(([name, score]) =>
    score !== undefined && Number.isFinite(score) ? [[name, score]] : [],
  );
  return {
    ...record,
    versions: { ...record.versions, ...(!memory.sizes.byPrograms && { onnxruntime: ONNXRUNTIME_VERSION }) },
    method,
    budget,
    seed,
    metric: metric.name,
    ...(task !== MULTI_CLASS.name && { task }),
    splits: Object.fromEntries(splits),
    ...(holdOut !== undefined && { holdOut }),
    scores: Object.fromEntries(measured),
    // A single model keeps the statistics that it was trained with.
    ...(estimator !== undefined &&
      mixture.size > 1 && {
        batchNorm: { inputs: await keys.inputsSha256(estimator.inputs), samples: estimator.samples },
      }),
  };
}

/** What a record says of a split. */
export async function recordedSplit({ inputs, labels, samples }: Split, keys: Problem['keys']): Promise<RecordedSplit> {
  const hasInputs = !inputs.shape.includes(0);
  return {
    samples,
    ...(hasInputs && { inputs: await keys.inputsSha256(inputs) }),
    labels: await labelsSha256(labels),
  };
}

/**
 * @param models that `contents` has hashed
 * @throws RadinError where a model's file was written to after that: what was found of it is not what its hash says
 */
export async function checkUnchanged(models: readonly Checkpoint[], contents: KnownContents): Promise<void> {
  for (const model of models) {
    if (await contents.isUnchanged(model)) continue;
    throw changedFile(model instanceof FileCheckpoint ? model.path : model.id);
  }
}
