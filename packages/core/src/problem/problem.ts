import { type Backend, BackendUnavailableError, openBackend } from '@radin/native';
import type { Split } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { CachingEvaluator, LogitsKeys, MemoryMeter } from '../evaluator/index.js';
import { changedFile, stampAt } from '../formats/index.js';
import type { Fingerprint } from '../journal/index.js';
import { equalLogits } from '../logits/index.js';
import type { Mixture } from '../mixture/index.js';
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
import { type SplitScorer, scoreUnlessLost } from '../stage2/index.js';
import { fingerprintOf } from './fingerprint.js';
import { givenLogits } from './given-logits.js';
import { limitedBackend } from './limited-backend.js';
import { type OpenEvaluator, openEvaluator } from './open-evaluator.js';
import { type OpenMemory, openMemory } from './open-memory.js';
import { openPool } from './open-pool.js';
import { averageScorer, openScorer, type ScorerSources } from './open-scorer.js';
import { type OpenSoupMaker, openSoupMaker } from './open-soup-maker.js';
import { openSplits, openTestSplit } from './open-splits.js';
import type { PoolFiles, ProblemOptions } from './problem-files.js';
import type { SoupMaker } from './soup-maker.js';
import { lookAtTest, type UnopenedTest } from './unopened-test.js';

/** What the scorers of a problem are made of, and how much memory it may take. */
interface ProblemParts {
  readonly sources: ScorerSources;
  readonly splits: Split[];
  readonly scorers: Map<Split['name'], SplitScorer>;
  readonly memory: OpenMemory;
  readonly meter: MemoryMeter;
  /** The same for splits of which all is known. */
  readonly remeasure: (splits: readonly Split[]) => OpenMemory;
  readonly files: PoolFiles;
  readonly graphStamp: string | undefined;
  readonly test: UnopenedTest | undefined;
  readonly init: FileCheckpoint | undefined;
}

/** An opened pool with all that recipes need: what scores on its splits. Holds files and threads until it is disposed of. */
export class Problem {
  readonly #parts: ProblemParts;
  #geometry: Promise<PoolGeometry> | undefined;
  #test: Promise<SplitScorer | undefined> | undefined;

  private constructor(
    parts: ProblemParts,
    /** What the user should know about the pool before the run. */
    readonly notices: readonly string[],
    private readonly close: () => Promise<void>,
  ) {
    this.#parts = parts;
  }

  /**
   * Opens and checks everything that can be checked without a forward pass. Of the test split, unless it alone is wanted, it is only
   * seen to that the files are there: `openTest` reads them. @throws RadinError naming the first thing that does not fit
   */
  static async open(files: PoolFiles, options: ProblemOptions): Promise<Problem> {
    const named = backendNamed(options.backend);
    // Before it is read: with the same one at the end, what was read is what is there.
    const graphStamp = await stampAt(files.graph);
    const opened = await openPool(files);
    // What outlives this call does not hold the graph, which may have all of a model's weights in it.
    const { close } = opened;
    let evaluating: OpenEvaluator | undefined;
    const splits: Split[] = [];
    const scorers = new Map<Split['name'], SplitScorer>();
    let making: OpenSoupMaker | undefined;
    const meter = options.meter ?? new MemoryMeter();
    const dispose = async () => {
      await Promise.all([...scorers.values()].map((scorer) => scorer.dispose()));
      await evaluating?.evaluator.dispose();
      making?.soups.close();
      for (const { inputs } of splits) inputs.close();
      await close();
      if (options.meter === undefined) meter.close();
    };
    try {
      const { pool, init } = opened;
      const given = givenLogits(files, pool.ids);
      const { splits: wanted = ['validation', 'test'], cache, journal, logitsStore = cache } = options;
      splits.push(...(await openSplits(files, options)));
      const [validation] = splits;
      const isTestUnopened = wanted.includes('test') && validation?.name === 'validation';
      const test = isTestUnopened ? await lookAtTest(files, validation) : undefined;
      const { graph } = opened;
      const sized = { pool, graph: graph && { outputs: graph.outputs, bytes: { byteLength: graph.bytes.byteLength } } };
      const memory = openMemory(sized, files, splits, test, options);
      const { shares } = memory;
      const backend = shares === undefined ? named : limitedBackend(named, shares.work);
      const existing = wanted.filter((name) => files[name] !== undefined);
      evaluating = await openEvaluator(opened, files, existing, options, { shares, meter });
      const { evaluator, notices } = evaluating;
      const keys = new LogitsKeys(evaluator, new KnownContents());
      const soupKeys = cache || journal ? keys : undefined;
      making = await openSoupMaker(opened, evaluator, files, options, { shares, meter }, backend, soupKeys);
      const remembering = logitsStore && new CachingEvaluator(evaluator, keys, logitsStore);
      const sources = { pool, evaluating, making, backend, given, options, keys, ...(remembering && { remembering }) };
      for (const split of splits) scorers.set(split.name, await openScorer(split, memory, sources));
      const remeasure = (all: readonly Split[]) => openMemory(sized, files, all, undefined, options);
      const parts = { sources, splits, scorers, memory, meter, remeasure, files, graphStamp, test, init };
      return new Problem(parts, [...notices, ...making.notices], dispose);
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  get pool(): Pool {
    return this.#parts.sources.pool;
  }

  get backend(): Backend {
    return this.#parts.sources.backend;
  }

  /** What makes soups as they are evaluated and written. */
  get soups(): SoupMaker {
    return this.#parts.sources.making.soups;
  }

  /** Hashes of models and inputs, each computed once. */
  get keys(): LogitsKeys {
    return this.#parts.sources.keys;
  }

  /** What the run will take, and has taken. */
  get memory(): Pick<OpenMemory, 'sizes' | 'predicted' | 'shares'> & { readonly meter: MemoryMeter } {
    const { memory, meter } = this.#parts;
    return { ...memory, meter };
  }

  /** The scorers of the splits that are open. */
  get scorers(): ReadonlyMap<Split['name'], SplitScorer> {
    return this.#parts.scorers;
  }

  /** @throws RadinError where somebody has written to the graph's file, or replaced it, since it was opened */
  async checkGraphUnchanged(): Promise<void> {
    const { files, graphStamp } = this.#parts;
    const { graph } = files;
    if (graph !== undefined && (await stampAt(graph)) !== graphStamp) throw changedFile(graph);
  }

  /** What is known of a test split that `openTest` has not read; undefined where there is none. */
  get unopenedTest(): UnopenedTest | undefined {
    return this.#test === undefined ? this.#parts.test : undefined;
  }

  /**
   * Reads the test split, where there is one, and gives the scorer that only reports. To be called once every choice is made and on
   * disk: no byte of the split is read before. @throws RadinError where its files do not hold a split, or one that does not fit the models
   */
  openTest(): Promise<SplitScorer | undefined> {
    this.#test ??= this.#openTest();
    return this.#test;
  }

  async #openTest(): Promise<SplitScorer | undefined> {
    const { scorers, files, splits, sources, memory, remeasure, test } = this.#parts;
    if (test === undefined) return scorers.get('test');
    const split = await openTestSplit(files);
    if (split === undefined) return undefined;
    splits.push(split);
    const measured = remeasure(splits);
    const [first, now] = [memory.shares, measured.shares];
    const shares = first && now && { ...now, atOnce: Math.min(first.atOnce, now.atOnce) };
    const scorer = await openScorer(split, { ...measured, shares }, sources);
    scorers.set('test', scorer);
    return scorer;
  }

  /** Gives back files and threads, when what is being opened is open. */
  async dispose(): Promise<void> {
    await this.#test?.catch(() => {});
    await this.close();
  }

  /** The scorer that everything is chosen by. */
  get validation(): SplitScorer {
    const scorer = this.scorers.get('validation');
    if (scorer === undefined) throw new RangeError('Expected the validation split to be among the opened ones');
    return scorer;
  }

  /**
   * Validation score of the mixture's average as it is, where soups are made otherwise; undefined where its evaluation is lost. Cost: an
   * evaluation, unless it is remembered.
   */
  async averagedScore(mixture: Mixture, signal: AbortSignal): Promise<number | undefined> {
    const scorer = averageScorer(this.validation.split, this.#parts.sources);
    const found = await scoreUnlessLost(scorer, mixture, signal);
    return 'score' in found ? found.score : undefined;
  }

  /** Models whose logits on the validation samples an earlier run has kept, so that they cost no pass. Cost: one read of all models. */
  async rememberedModels(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    let remembered = 0;
    const { remembering } = this.#parts.sources;
    for (const model of this.pool.checkpoints) {
      if (await remembering?.remembers(model, this.validation.split.inputs, options)) remembered++;
    }
    return remembered;
  }

  /**
   * What a run on the problem depends on besides its options: see `fingerprintOf`. Only of problems that were opened with a journal.
   * @throws RadinError; the signal's reason when aborted
   */
  fingerprint(options: { readonly signal?: AbortSignal } = {}): Promise<Fingerprint> {
    const { files, init, sources } = this.#parts;
    const soups = [this.validation, this.heldOut].flatMap((scorer) => scorer?.soupKeys ?? []);
    const { contents } = sources.keys;
    return fingerprintOf({ pool: this.pool, files, contents, soups, init }, options);
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
        ...(this.#parts.init && { start: this.#parts.init }),
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
