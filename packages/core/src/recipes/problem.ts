import { type Backend, BackendUnavailableError, openBackend } from '@radin/native';
import type { ContentCache } from '../cache/index.js';
import { holdOut, readSplit, type Split, type SplitFiles } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { CachingEvaluator, LogitsKeys, OnnxEvaluator } from '../evaluator/index.js';
import { readOnnx } from '../formats/index.js';
import { equalLogits } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import {
  basinWarnings,
  checkEqualTensors,
  closeCheckpoints,
  duplicates,
  type FileCheckpoint,
  KnownContents,
  measureGeometry,
  openCheckpoints,
  Pool,
  type PoolGeometry,
  unsuppliedInitializers,
} from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import { Random, STREAMS } from '../random.js';
import { checkMetric } from '../stage1/index.js';
import { EvaluationMemory, SplitScorer } from '../stage2/index.js';

/** Where the parts of a pool are. */
export interface PoolFiles {
  readonly graph: string;
  readonly models: readonly string[];
  readonly validation: SplitFiles;
  readonly test?: SplitFiles;
  /** The graph's output with the logits, where it has several. */
  readonly output?: string;
  /** The key of the state dict in PyTorch checkpoints that hold several. */
  readonly stateDict?: string;
  /** How tensor names of the models become the graph's, where they differ: see `graphNames`. */
  readonly rename?: Readonly<Record<string, string>>;
}

export interface ProblemOptions {
  readonly metric: Metric;
  /** Name of a backend, or `auto`. */
  readonly backend: string;
  readonly threads?: number;
  readonly batch?: number;
  /** The splits to open; default: all that the pool has. */
  readonly splits?: readonly ('validation' | 'test')[];
  /** Keeps this fraction of the validation samples, chosen by the seed, out of all choices. */
  readonly holdOut?: { readonly fraction: number; readonly seed: number };
  /** Where logits and evaluations of earlier runs are, and those of this one will be; left out: nothing is remembered. */
  readonly cache?: ContentCache;
}

/** An opened pool with all that recipes need: scorers of both splits. Holds files and threads until it is disposed of. */
export class Problem {
  #geometry: Promise<PoolGeometry> | undefined;

  private constructor(
    readonly pool: Pool,
    readonly backend: Backend,
    readonly scorers: ReadonlyMap<Split['name'], SplitScorer>,
    /** What the user should know about the pool before the run. */
    readonly notices: readonly string[],
    readonly dispose: () => Promise<void>,
  ) {}

  /** Opens and checks everything that can be checked without a forward pass. @throws RadinError naming the first thing that does not fit. */
  static async open(files: PoolFiles, options: ProblemOptions): Promise<Problem> {
    const backend = backendNamed(options.backend);
    const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict });
    let evaluator: OnnxEvaluator | undefined;
    let scorers: ReadonlyMap<Split['name'], SplitScorer> = new Map();
    const dispose = async () => {
      await Promise.all([...scorers.values()].map((scorer) => scorer.dispose()));
      await evaluator?.dispose();
      await closeCheckpoints(checkpoints);
    };
    try {
      const pool = new Pool(checkpoints);
      await checkEqualTensors(checkpoints);
      const graph = await readOnnx(files.graph);
      const { threads, batch, splits: wanted = ['validation', 'test'], holdOut: nested } = options;
      const splits: Split[] = [];
      for (const name of wanted) {
        const paths = files[name];
        if (paths === undefined) continue;
        const split = await readSplit(name, paths);
        if (name === 'validation' && nested !== undefined) {
          const { kept, heldOut } = holdOut(split, nested.fraction, new Random(nested.seed, STREAMS.holdOut));
          splits.push(kept, heldOut);
        } else splits.push(split);
      }
      evaluator = await OnnxEvaluator.open(graph, pool, {
        ...(threads && { threads }),
        ...(batch && { batch }),
        ...(files.output && { output: files.output }),
        ...(files.rename && { rename: files.rename }),
      });
      for (const split of splits) evaluator.check(split);
      if (evaluator.plan.classes !== undefined) checkMetric(options.metric, evaluator.plan.classes);
      const { cache, metric } = options;
      const keys = cache && new LogitsKeys(evaluator, new KnownContents());
      const remembering = cache && keys && new CachingEvaluator(evaluator, keys, cache);
      const parts = { pool, evaluator: remembering ?? evaluator, backend, metric, ...(threads && { threads }) };
      scorers = new Map(
        splits.map((split) => {
          const memory = cache && keys && new EvaluationMemory({ cache, keys, pool, split, metric });
          return [split.name, new SplitScorer({ ...parts, split, ...(memory && { memory }) })];
        }),
      );
      const { names } = evaluator.plan;
      const unsupplied = unsuppliedInitializers(graph, checkpoints, names);
      const notices = unsupplied.map(
        (name) =>
          `no model has the tensor ${name} of the graph ${files.graph}: the graph's own value is used in every soup`,
      );
      return new Problem(pool, backend, scorers, [...(names.notice ? [names.notice] : []), ...notices], dispose);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  /** The scorer that everything is chosen by. */
  get validation(): SplitScorer {
    const scorer = this.scorers.get('validation');
    if (scorer === undefined) throw new RangeError('Expected the validation split to be among the opened ones');
    return scorer;
  }

  /** The scorer that only reports. */
  get test(): SplitScorer | undefined {
    return this.scorers.get('test');
  }

  /** The scorer of the samples that were kept out of all choices. */
  get heldOut(): SplitScorer | undefined {
    return this.scorers.get('holdout');
  }

  /** Where the models lie in weight space; one pass over their files on the first call. */
  geometry(options: CallOptions = {}): Promise<PoolGeometry> {
    if (this.#geometry === undefined) {
      const { size, checkpoints } = this.pool;
      const measured = measureGeometry(checkpoints, this.backend, {
        ...(options.signal && { signal: options.signal }),
        onProgress: (fraction) => options.onProgress?.({ phase: 'measure', done: fraction * size, total: size }),
      });
      this.#geometry = measured;
      // What failed or was aborted can be asked for again.
      measured.catch(() => {
        this.#geometry = undefined;
      });
    }
    return this.#geometry;
  }

  /** One line for each model that may lie outside the basin of the others, with the evidence: see `basinWarnings`. */
  async basinNotices(options: CallOptions = {}): Promise<string[]> {
    return basinWarnings(await this.geometry(options)).map(({ message }) => message);
  }

  /** One line for each group of models with equal weights. Reads weights only of models whose logits are equal. */
  async duplicateNotices(): Promise<string[]> {
    const suspects = new Set(equalLogits(await this.validation.cache()).flat());
    const groups = await duplicates(
      [...suspects].sort((a, b) => a - b).map((index) => this.pool.checkpoints[index] as FileCheckpoint),
    );
    return groups.map(
      (group) =>
        `models ${group.map(({ id }) => id).join(' and ')} have equal weights: a soup of both counts them twice`,
    );
  }
}

/** The backend of that name. @throws RadinError where it is unknown or not available here. */
export function backendNamed(name: string): Backend {
  try {
    return openBackend(name);
  } catch (error) {
    if (error instanceof BackendUnavailableError) throw new RadinError('BACKEND', error.message, { cause: error });
    throw error;
  }
}
