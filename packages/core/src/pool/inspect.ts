import { stat } from 'node:fs/promises';
import type { Backend } from '@radin/native';
import { fileError, RadinError } from '../errors/index.js';
import { digestFiles, type ModelOptions, modelFiles, type OnnxModel, type WrittenFile } from '../formats/index.js';
import { alignCheckpoints, widestGraph } from './aligned.js';
import { anglesFromStart, basinWarnings, distancesFromStart, nearDuplicates } from './basin.js';
import type { Checkpoint, FileCheckpoint } from './checkpoint.js';
import { graphProblems, mostCommonLayout, type Problem, unsuppliedInitializers } from './compatibility.js';
import { contentSha256, groupsOfEqual } from './content.js';
import { tieEqualTensors } from './equal-ties.js';
import { checkEqualTensors } from './exact-tensors.js';
import { type GraphNames, graphNames, SAME_NAMES } from './graph-names.js';
import { modelId } from './model-file.js';
import { closeCheckpoints, openCheckpoints, openInit, Pool, poolProblems } from './pool.js';
import { measureGeometry, type PoolGeometry } from './pool-geometry.js';
import { verdictOf } from './verdict.js';

interface InspectedModel {
  readonly id: string;
  readonly file: string;
  /** The worst that was found, in a few words: `ok`, `duplicate of a`, `outside the basin`, `diverged`, `does not belong`, … */
  readonly verdict: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Of the file, with its shards or external data; 0 where it cannot be read. */
  readonly bytes: number;
  /** Of the file, or of the shards or external data in order and then the index or model, hexadecimal; empty where it cannot be read or only headers are. */
  readonly sha256: string;
  /** ‖w_k − w_init‖, where w_init is known. */
  readonly distanceFromInit?: number;
  /** Why the model cannot be used or does not belong to the pool, a line each. */
  readonly problems: readonly string[];
  /** What is suspicious of the model and keeps it from nothing, a line each: see `basinWarnings`. */
  readonly warnings: readonly string[];
}

export interface PoolInspection {
  readonly models: readonly InspectedModel[];
  /**
   * Shape [N, N] of the models whose layout is the pool's and whose weights are numbers: the angle in degrees between w_i − w_init and w_j − w_init.
   * Where w_init is known; null with a model that is w_init.
   */
  readonly angles?: { readonly models: readonly string[]; readonly degrees: readonly (readonly (number | null)[])[] };
  /** What concerns more than one model, a line each. */
  readonly problems: readonly string[];
  /** What else the user should know, a line each. */
  readonly notices: readonly string[];
}

export interface InspectOptions extends ModelOptions {
  readonly rename?: Readonly<Record<string, string>>;
  /** Reads headers only: no hash, no distance, no NaN is found. */
  readonly quick?: boolean;
  /** The file of w_init, what all models were fine-tuned from. */
  readonly init?: string;
  readonly signal?: AbortSignal;
}

/**
 * Looks at every model of a pool, broken ones too, against the graph or, without one, that of the first model in ONNX. Reads each file
 * whole, for its hash, and where all models have one layout once more, for the distances between them; with `quick` headers only.
 */
export async function inspectPool(
  paths: readonly string[],
  given: OnnxModel | undefined,
  backend: Backend,
  options: InspectOptions = {},
): Promise<PoolInspection> {
  const { quick = false, init, signal } = options;
  const opened: FileCheckpoint[] = [];
  const found: Problem[] = [];
  const models: Pick<InspectedModel, 'id' | 'file' | 'tensors' | 'bytes' | 'sha256'>[] = [];
  try {
    for (const file of paths) {
      signal?.throwIfAborted();
      const id = modelId(file);
      let digest: WrittenFile = { bytes: 0, sha256: '' };
      let tensors = 0;
      await attempt(id, found, async () => {
        const [whole, ...shards] = (await modelFiles(file)) as [string, ...string[]];
        const files = [...shards, whole];
        digest = await (quick ? sizeOfFiles(files) : digestFiles(files, signal ? { signal } : {}));
        const [checkpoint] = await openCheckpoints([file], options);
        if (checkpoint === undefined) return;
        opened.push(checkpoint);
        tensors = checkpoint.tensors.length;
      });
      models.push({ id, file, tensors, ...digest });
    }
    const unreadable = new Set(found.map(({ model }) => model));
    const graph = given ?? widestGraph(opened);
    await attempt(undefined, found, async () => {
      if (graph !== undefined && !quick) await tieEqualTensors(graph, opened);
    });
    const { checkpoints, problems, notices: aligned } = alignCheckpoints(opened, { graph });
    found.push(...problems);
    let names = SAME_NAMES;
    await attempt(undefined, found, async () => {
      const [first, ...others] = checkpoints;
      if (graph === undefined || first === undefined) return;
      names = graphNames(graph, [mostCommonLayout([first, ...others])], options.rename);
    });
    found.push(...layoutAndGraphProblems(checkpoints, graph, names));
    const odd = new Set(found.map(({ model }) => model));
    const sameLayout = poolProblems(checkpoints).length === 0;
    const weights = await weightProblems(checkpoints, sameLayout, options);
    found.push(...weights.problems);
    const hasNaN = new Set(weights.problems.map(({ model }) => model));
    const notices = [...aligned, ...(names.notice === undefined ? [] : [names.notice])];
    let geometry: PoolGeometry | undefined;
    if (sameLayout && !quick) {
      await attempt(undefined, found, async () => {
        geometry = await geometryOf(checkpoints, init, backend, options, notices);
      });
    }
    if (geometry !== undefined) notices.push(...nearDuplicates(geometry));
    const warnings = geometry === undefined ? [] : basinWarnings(geometry);
    const distances = new Map(geometry && distancesFromStart(geometry));
    const angles = geometry && anglesFromStart(geometry);
    return {
      models: models.map(({ id, file, ...sizes }) => {
        const distance = distances.get(id);
        const verdict = verdictOf({
          unreadable: unreadable.has(id),
          hasNaN: hasNaN.has(id),
          isOdd: odd.has(id),
          copyOf: weights.copies.get(id),
          warning: warnings.find(({ model }) => model === id),
          quick,
        });
        return {
          id,
          file,
          verdict,
          ...sizes,
          ...(distance !== undefined && { distanceFromInit: distance }),
          problems: messages(found, id),
          warnings: messages(warnings, id),
        };
      }),
      ...(angles && { angles }),
      problems: messages(found, undefined),
      notices,
    };
  } finally {
    await closeCheckpoints(opened);
  }
}

/** What is wrong with the headers of models that can be opened: with each other, and with the graph. */
function layoutAndGraphProblems(
  opened: readonly FileCheckpoint[],
  graph: OnnxModel | undefined,
  names: GraphNames,
): Problem[] {
  const found = poolProblems(opened);
  if (graph !== undefined && opened.length > 0) {
    found.push(...opened.flatMap((checkpoint) => graphProblems(graph, checkpoint, names)));
    const unsupplied = unsuppliedInitializers(graph, opened, names);
    found.push(
      ...unsupplied.map((name) => ({ message: `No model has the tensor ${name} of the graph ${graph.path}` })),
    );
  }
  return found;
}

/** What is wrong with their weights, and of each model with equal weights the first that has them. With `quick`, as far as small tensors tell. */
async function weightProblems(
  opened: readonly FileCheckpoint[],
  sameLayout: boolean,
  { quick, signal }: InspectOptions,
): Promise<{ readonly problems: readonly Problem[]; readonly copies: ReadonlyMap<string, string> }> {
  const found: Problem[] = [];
  const digests = new Map<Checkpoint, string>();
  for (const checkpoint of quick ? [] : opened) {
    await attempt(checkpoint.id, found, async () => {
      digests.set(checkpoint, await contentSha256(checkpoint, signal ? { signal } : {}));
    });
  }
  const copies = new Map<string, string>();
  for (const group of groupsOfEqual(digests)) {
    const [first, ...others] = group as [Checkpoint, ...Checkpoint[]];
    for (const { id } of others) copies.set(id, first.id);
    found.push({ message: `Models ${group.map(({ id }) => id).join(' and ')} have equal weights` });
  }
  if (sameLayout) await attempt(undefined, found, () => checkEqualTensors(quick ? opened : [...digests.keys()]));
  return { problems: found, copies };
}

async function geometryOf(
  opened: readonly FileCheckpoint[],
  init: string | undefined,
  backend: Backend,
  { signal, stateDict, base }: InspectOptions,
  notices: string[],
): Promise<PoolGeometry> {
  const found = init === undefined ? undefined : await openInit(init, new Pool(opened), { stateDict, base });
  notices.push(...(found?.notices ?? []));
  const start = found?.init;
  try {
    return await measureGeometry(opened, backend, { ...(signal && { signal }), ...(start && { start }) });
  } finally {
    await start?.close();
  }
}

function messages(problems: readonly Problem[], model: string | undefined): string[] {
  return problems.filter((problem) => problem.model === model).map(({ message }) => message);
}

/** Runs a step that may fail; its error becomes a problem of that model, or of the pool. */
async function attempt(model: string | undefined, problems: Problem[], step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof RadinError)) throw error;
    problems.push(model === undefined ? { message: error.message } : { model, message: error.message });
  }
}

async function sizeOfFiles(paths: readonly string[]): Promise<WrittenFile> {
  let bytes = 0;
  for (const path of paths) {
    try {
      bytes += (await stat(path)).size;
    } catch (error) {
      throw fileError('read', path, error);
    }
  }
  return { bytes, sha256: '' };
}
