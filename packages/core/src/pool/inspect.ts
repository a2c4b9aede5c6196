import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileError, RadinError } from '../errors/index.js';
import type { OnnxModel } from '../formats/index.js';
import type { FileCheckpoint } from './checkpoint.js';
import { graphProblems, type Problem, unsuppliedInitializers } from './compatibility.js';
import { duplicates } from './content.js';
import { closeCheckpoints, modelId, openCheckpoints, poolProblems } from './pool.js';

export interface InspectedModel {
  readonly id: string;
  readonly file: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Of the file; 0 where it cannot be read. */
  readonly bytes: number;
  /** Of the file, hexadecimal; empty where it cannot be read. */
  readonly sha256: string;
  /** Why the model cannot be used or does not belong to the pool, a line each. */
  readonly problems: readonly string[];
}

export interface PoolInspection {
  readonly models: readonly InspectedModel[];
  /** What concerns more than one model, a line each. */
  readonly problems: readonly string[];
}

/** Looks at every model of a pool, broken ones too. Reads each file whole, for its hash. */
export async function inspectPool(paths: readonly string[], graph: OnnxModel | undefined): Promise<PoolInspection> {
  const opened = new Map<string, FileCheckpoint>();
  const found: Problem[] = [];
  const digests = new Map<string, Digest>();
  try {
    for (const path of paths) {
      await attempt(modelId(path), found, async () => {
        digests.set(path, await digestFile(path));
        const [checkpoint] = await openCheckpoints([path]);
        if (checkpoint !== undefined) opened.set(path, checkpoint);
      });
    }
    const checkpoints = [...opened.values()];
    found.push(...poolProblems(checkpoints));
    const first = checkpoints[0];
    if (graph !== undefined && first !== undefined) {
      found.push(...checkpoints.flatMap((checkpoint) => graphProblems(graph, checkpoint)));
      const unsupplied = unsuppliedInitializers(graph, first);
      found.push(
        ...unsupplied.map((name) => ({ message: `No model has the tensor ${name} of the graph ${graph.path}` })),
      );
    }
    const readable: FileCheckpoint[] = [];
    for (const checkpoint of checkpoints) {
      await attempt(checkpoint.id, found, async () => {
        await duplicates([checkpoint]);
        readable.push(checkpoint);
      });
    }
    for (const group of await duplicates(readable)) {
      found.push({ message: `Models ${group.map(({ id }) => id).join(' and ')} have equal weights` });
    }
    const models = paths.map((file) => ({
      id: modelId(file),
      file,
      tensors: opened.get(file)?.tensors.length ?? 0,
      ...(digests.get(file) ?? { bytes: 0, sha256: '' }),
      problems: found.filter(({ model }) => model === modelId(file)).map(({ message }) => message),
    }));
    return { models, problems: found.filter(({ model }) => model === undefined).map(({ message }) => message) };
  } finally {
    await closeCheckpoints([...opened.values()]);
  }
}

/** Runs a step that may fail for one model; its error becomes that model's problem. */
async function attempt(model: string, problems: Problem[], step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof RadinError)) throw error;
    problems.push({ model, message: error.message });
  }
}

interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

async function digestFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
  } catch (error) {
    throw fileError('read', path, error);
  }
  return { bytes, sha256: hash.digest('hex') };
}
