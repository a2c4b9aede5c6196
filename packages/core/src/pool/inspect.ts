import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { RadinError } from '../errors/index.js';
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
  /** Of the file. */
  readonly bytes: number;
  /** Of the file, hexadecimal. */
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
  const digests: { bytes: number; sha256: string }[] = [];
  try {
    for (const path of paths) {
      digests.push(await digestFile(path));
      await attempt(modelId(path), found, async () => {
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
    const models = paths.map((file, index) => ({
      id: modelId(file),
      file,
      tensors: opened.get(file)?.tensors.length ?? 0,
      ...(digests[index] as { bytes: number; sha256: string }),
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

async function digestFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}
