import { type Backend, BackendUnavailableError, openBackend } from '@radin/native';
import type { Split } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { CachingEvaluator, LogitsKeys } from '../evaluator/index.js';
import type { Fingerprint } from '../journal/index.js';
import { equalLogits } from '../logits/index.js';
import type { OpenSoup } from '../mixture/index.js';
import {
  basinWarnings,
  duplicates,
  type FileCheckpoint,
  KnownContents,
  measureGeometry,
  type Pool,
  type PoolGeometry,
} from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import { EvaluationMemory, SoupKeys, SplitScorer } from '../stage2/index.js';
import { type FingerprintParts, fingerprintOf } from './fingerprint.js';
import { openGivenLogits } from './given-logits.js';
import { limitedBackend } from './limited-backend.js';
import { type OpenEvaluator, openEvaluator } from './open-evaluator.js';
import { type OpenMemory, openMemory } from './open-memory.js';
import { openPool } from './open-pool.js';
import { type OpenSoupMaker, openSoupMaker } from './open-soup-maker.js';
import { openSplits } from './open-splits.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';
import type { SoupMaker } from './soup-maker.js';

/** An opened pool with all that recipes need: scorers of both splits. Holds files and threads until it is disposed of. */
export class Problem {
  #geometry: Promise<PoolGeometry> | undefined;

  private constructor(
    readonly pool: Pool,
    readonly backend: Backend,
    readonly scorers: ReadonlyMap<Split['name'], SplitScorer>,
    /** What makes soups as they are evaluated and written. */
    readonly soups: SoupMaker,
    /** What the user should know about the pool before the run. */
    readonly notices: readonly string[],
    /** What the run will take. */
    readonly memory: Pick<OpenMemory, 'sizes' | 'predicted' | 'shares'>,
    private readonly init: FileCheckpoint | undefined,
    private readonly remembering: CachingEvaluator | undefined,
    private readonly origin: Pick<FingerprintParts, 'files' | 'contents'>,
    readonly dispose: () => Promise<void>,
  ) {}

  /** Opens and checks everything that can be checked without a forward pass. @throws RadinError naming the first thing that does not fit. */
  static async open(files: PoolFiles, options: ProblemOptions): Promise<Problem> {
    const named = backendNamed(options.backend);
    const opened = await openPool(files);
    let evaluating: OpenEvaluator | undefined;
    let splits: readonly Split[] = [];
    let scorers: ReadonlyMap<Split['name'], SplitScorer> = new Map();
    let making: OpenSoupMaker | undefined;
    const dispose = async () => {
      await Promise.all([...scorers.values()].map((scorer) => scorer.dispose()));
      await evaluating?.evaluator.dispose();
      making?.soups.close();
      for (const { inputs } of splits) inputs.close();
      await opened.close();
    };
    try {
      const { pool, init } = opened;
      splits = await openSplits(files, options);
      const memory = openMemory(opened, files, splits, options);
      const { shares } = memory;
      const backend = shares === undefined ? named : limitedBackend(named, shares.work);
      evaluating = await openEvaluator(opened, files, splits, options, shares);
      const { evaluator, notices } = evaluating;
      const { cache, logitsStore = cache, journal, metric, threads } = options;
      const given = await openGivenLogits(files, pool.ids, splits);
      const contents = new KnownContents();
      const keys = new LogitsKeys(evaluator, contents);
      const remembering = logitsStore && new CachingEvaluator(evaluator, keys, logitsStore);
      making = await openSoupMaker(opened, evaluator, files, options, backend, cache || journal ? keys : undefined);
      const { soups, preparation, notices: more } = making;
      const openSoup: OpenSoup = (mixture, call) => soups.open(mixture, call);
      const parts = {
        pool,
        evaluator: remembering ?? evaluator,
        backend,
        metric,
        openSoup,
        ...(threads && { threads }),
        ...(shares && { atOnce: shares.atOnce }),
      };
      const found = { ...(cache && metric.remembered !== false && { cache }), ...(journal && { journal }) };
      scorers = new Map(
        splits.map((split) => {
          const soups = new SoupKeys({ keys, pool, split, metric, ...(preparation !== undefined && { preparation }) });
          const evaluations =
            Object.keys(found).length > 0 &&
            new EvaluationMemory({ ...found, soups, scoresOnly: 'logitsOrScore' in evaluator });
          const logits = given.get(split);
          const store = memory.storeOf(split);
          return [
            split.name,
            new SplitScorer({
              ...parts,
              split,
              ...(evaluations && { memory: evaluations }),
              ...(logits && { given: logits }),
              ...(store && { store }),
            }),
          ];
        }),
      );
      return new Problem(
        pool,
        backend,
        scorers,
        soups,
        [...notices, ...more],
        memory,
        init,
        remembering,
        { files, contents },
        dispose,
      );
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

  /** Models whose logits on the validation samples an earlier run has kept, so that they cost no pass. Cost: one read of all models. */
  async rememberedModels(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    let remembered = 0;
    for (const model of this.pool.checkpoints) {
      if (await this.remembering?.remembers(model, this.validation.split.inputs, options)) remembered++;
    }
    return remembered;
  }

  /**
   * What a run on the problem depends on besides its options: see `fingerprintOf`. Only of problems that were opened with a journal.
   * @throws RadinError; the signal's reason when aborted
   */
  fingerprint(options: { readonly signal?: AbortSignal } = {}): Promise<Fingerprint> {
    const { pool, init, origin, validation, heldOut } = this;
    const soups = [validation, heldOut].flatMap((scorer) => scorer?.soupKeys ?? []);
    return fingerprintOf({ ...origin, pool, init, soups }, options);
  }

  /** The scorer that only reports. */
  get test(): SplitScorer | undefined {
    return this.scorers.get('test');
  }

  /** The scorer of the samples that were kept out of all choices. */
  get heldOut(): SplitScorer | undefined {
    return this.scorers.get('holdout');
  }

  /** Where the models lie in weight space, by the tensors of which soups are averages; one pass over their files on the first call. */
  geometry(options: CallOptions = {}): Promise<PoolGeometry> {
    if (this.#geometry === undefined) {
      const { size, checkpoints } = this.pool;
      const { estimator } = this.soups;
      const measured = measureGeometry(checkpoints, this.backend, {
        ...(estimator && { without: estimator.tensors }),
        ...(options.signal && { signal: options.signal }),
        ...(this.init && { start: this.init }),
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
