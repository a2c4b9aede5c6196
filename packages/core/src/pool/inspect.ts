import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Backend } from '@radin/native';
import { fileError, RadinError } from '../errors/index.js';
import { modelFiles, type OnnxModel, type PyTorchOptions } from '../formats/index.js';
import { alignCheckpoints } from './aligned.js';
import { basinWarnings } from './basin.js';
import type { Checkpoint, FileCheckpoint } from './checkpoint.js';
import { graphProblems, mostCommonLayout, type Problem, unsuppliedInitializers } from './compatibility.js';
import { contentSha256, groupsOfEqual } from './content.js';
import { checkEqualTensors } from './exact-tensors.js';
import { type GraphNames, graphNames, SAME_NAMES } from './graph-names.js';
import { modelId } from './model-file.js';
import { closeCheckpoints, openCheckpoints, poolProblems } from './pool.js';
import { measureGeometry } from './pool-geometry.js';

interface InspectedModel {
  readonly id: string;
  readonly file: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Of the file, with its shards or external data; 0 where it cannot be read. */
  readonly bytes: number;
  /** Of the file, or of the shards or external data in order and then the index or model, hexadecimal; empty where it cannot be read. */
  readonly sha256: string;
  /** Why the model cannot be used or does not belong to the pool, a line each. */
  readonly problems: readonly string[];
  /** What is suspicious of the model and keeps it from nothing, a line each: see `basinWarnings`. */
  readonly warnings: readonly string[];
}

export interface PoolInspection {
  readonly models: readonly InspectedModel[];
  /** What concerns more than one model, a line each. */
  readonly problems: readonly string[];
  /** What else the user should know, a line each. */
  readonly notices: readonly string[];
}

/**
 * Looks at every model of a pool, broken ones too, against the graph or, without one, that of the first model in ONNX. Reads each file whole, for its hash, and where all models have one layout once
 * more, for the distances between them.
 */
export async function inspectPool(
  paths: readonly string[],
  given: OnnxModel | undefined,
  backend: Backend,
  options: PyTorchOptions & { readonly rename?: Readonly<Record<string, string>> } = {},
): Promise<PoolInspection> {
  const opened: FileCheckpoint[] = [];
  const found: Problem[] = [];
  const models: Omit<InspectedModel, 'problems' | 'warnings'>[] = [];
  try {
    for (const file of paths) {
      const id = modelId(file);
      let digest: Digest = { bytes: 0, sha256: '' };
      let tensors = 0;
      await attempt(id, found, async () => {
        const [whole, ...shards] = (await modelFiles(file)) as [string, ...string[]];
        digest = await digestFiles([...shards, whole]);
        const [checkpoint] = await openCheckpoints([file], options);
        if (checkpoint === undefined) return;
        opened.push(checkpoint);
        tensors = checkpoint.tensors.length;
      });
      models.push({ id, file, tensors, ...digest });
    }
    const graph = given ?? opened.find(({ onnx }) => onnx !== undefined)?.onnx?.graph;
    const { checkpoints, problems, notices } = alignCheckpoints(opened, { graph });
    found.push(...problems);
    let names = SAME_NAMES;
    await attempt(undefined, found, async () => {
      const [first, ...others] = checkpoints;
      if (graph === undefined || first === undefined) return;
      names = graphNames(graph, [mostCommonLayout([first, ...others])], options.rename);
    });
    found.push(...(await problemsTogether(checkpoints, graph, names)));
    const warnings: Problem[] = [];
    if (poolProblems(checkpoints).length === 0) {
      await attempt(undefined, found, async () => {
        warnings.push(...basinWarnings(await measureGeometry(checkpoints, backend)));
      });
    }
    return {
      models: models.map((model) => ({
        ...model,
        problems: messages(found, model.id),
        warnings: messages(warnings, model.id),
      })),
      problems: messages(found, undefined),
      notices: [...notices, ...(names.notice === undefined ? [] : [names.notice])],
    };
  } finally {
    await closeCheckpoints(opened);
  }
}

/** What is wrong with models that can be opened: with each other, with the graph, with their weights. */
async function problemsTogether(
  opened: readonly FileCheckpoint[],
  graph: OnnxModel | undefined,
  names: GraphNames,
): Promise<Problem[]> {
  const found = poolProblems(opened);
  const sameLayout = found.length === 0;
  if (graph !== undefined && opened.length > 0) {
    found.push(...opened.flatMap((checkpoint) => graphProblems(graph, checkpoint, names)));
    const unsupplied = unsuppliedInitializers(graph, opened, names);
    found.push(
      ...unsupplied.map((name) => ({ message: `No model has the tensor ${name} of the graph ${graph.path}` })),
    );
  }
  const digests = new Map<Checkpoint, string>();
  for (const checkpoint of opened) {
    await attempt(checkpoint.id, found, async () => {
      digests.set(checkpoint, await contentSha256(checkpoint));
    });
  }
  for (const group of groupsOfEqual(digests)) {
    found.push({ message: `Models ${group.map(({ id }) => id).join(' and ')} have equal weights` });
  }
  if (sameLayout) await attempt(undefined, found, () => checkEqualTensors([...digests.keys()]));
  return found;
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

interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Of files one after another. */
async function digestFiles(paths: readonly string[]): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const path of paths) {
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        bytes += chunk.byteLength;
      }
    } catch (error) {
      throw fileError('read', path, error);
    }
  }
  return { bytes, sha256: hash.digest('hex') };
}
