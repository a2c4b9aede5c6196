import { RadinError } from '../errors/index.js';
import { type OnnxModel, readOnnx, readWidestGraph } from '../formats/index.js';
import {
  alignCheckpoints,
  checkEqualTensors,
  closeCheckpoints,
  constantsOf,
  type FileCheckpoint,
  openCheckpoints,
  openInit,
  Pool,
  tieEqualTensors,
  widestGraph,
} from '../pool/index.js';
import type { PoolFiles } from './problem-files.js';

/** The models of a pool and the graph that they share. Holds files until it is closed. */
export interface OpenPool {
  readonly pool: Pool;
  readonly checkpoints: readonly FileCheckpoint[];
  /** Undefined where a program evaluates and needs none. */
  readonly graph: OnnxModel | undefined;
  /** Initializers of the graph that are no weights, as all models have them alike. */
  readonly constants: ReadonlySet<string>;
  /** What all models were fine-tuned from, where that is known. */
  readonly init: FileCheckpoint | undefined;
  /** What the user should know of how the models were made alike, a line each. */
  readonly notices: readonly string[];
  close(): Promise<void>;
}

/** Opens the models, headers only, and the graph where it is what runs them. @throws RadinError where the models are no pool, or tensors that have no average differ */
export async function openPool(files: PoolFiles): Promise<OpenPool> {
  const { stateDict, base } = files;
  const opened = await openCheckpoints(files.models, { stateDict, base });
  let start: Awaited<ReturnType<typeof openInit>> | undefined;
  const close = () => closeCheckpoints(start === undefined ? opened : [...opened, start.init]);
  try {
    const { graph, isModel } = await poolGraph(files, opened);
    if (graph !== undefined) await tieEqualTensors(graph, opened);
    const { checkpoints, problems, notices } = alignCheckpoints(opened, {
      graph,
      ...(isModel && { reference: graph }),
    });
    if (problems[0] !== undefined) throw new RadinError('POOL', problems[0].message);
    const pool = new Pool(checkpoints);
    if (files.init !== undefined) {
      start = await openInit(files.init, pool, { stateDict, base, ...(isModel && { reference: graph }) });
    }
    await checkEqualTensors(checkpoints);
    const constants = graph && isModel ? await constantsOf(graph, checkpoints) : new Set<string>();
    const allNotices = [...notices, ...(start?.notices ?? [])];
    return { pool, checkpoints, graph, constants, init: start?.init, notices: allNotices, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The graph of a pool, and whether it is that of a model in ONNX. @throws RadinError where there is none and no program evaluates */
async function poolGraph(
  { graph, architecture, evaluator }: Pick<PoolFiles, 'graph' | 'architecture' | 'evaluator'>,
  opened: readonly FileCheckpoint[],
): Promise<{ readonly graph: OnnxModel | undefined; readonly isModel: boolean }> {
  if (evaluator !== undefined) return { graph: undefined, isModel: false };
  if (graph !== undefined) return { graph: await readOnnx(graph), isModel: false };
  if (architecture !== undefined) {
    return { graph: await readWidestGraph(architecture), isModel: true };
  }
  const own = widestGraph(opened);
  if (own !== undefined) return { graph: own, isModel: true };
  throw new RadinError(
    'CONFIG',
    'Expected a graph (graph: in radin.yaml, or --graph), a model in ONNX, which has one, or the command of an evaluator but found none',
  );
}
