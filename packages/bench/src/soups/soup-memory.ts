import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  arrayPlace,
  arraySources,
  type Backend,
  closeCheckpoints,
  type FileCheckpoint,
  LogitsStore,
  limitedBackend,
  MemoryMeter,
  Mixture,
  modelFiles,
  OnnxEvaluator,
  openCheckpoints,
  Pool,
  type PoolFiles,
  type PoolLogits,
  poolLogits,
  RadinError,
  readOnnx,
  Soup,
  type StoredLogits,
} from '@radin/core';
import type { Source } from '@radin/native';
import { type LimitedRun, type MemoryPlan, memoryPlan } from './memory-plan.js';
import { type Outcome, outcomeOf, type Prediction, predictionOf } from './outcome.js';
import { Pace } from './pace.js';
import { contentOf, PredictionFolder } from './prediction-folder.js';
import type { Union } from './union.js';

export interface SoupMemoryOptions {
  readonly backend: Backend;
  readonly threads: number;
  /** A folder that keeps predictions from one run to the next. */
  readonly cache: string | undefined;
  /** What this process and the one that evaluates may take, and what is to be done within it. */
  readonly limit?: LimitedRun;
  /** Is told when the first model is about to run: all that can be refused has been looked at. */
  readonly onPasses?: (models: number) => void;
}

/**
 * Outcomes of a pool's soups on all samples of its union. No soup is evaluated twice, whatever the split, the seed or the
 * strategy that asks for it. Memory: about 6 bytes per soup and sample, and the models' logits.
 */
export class SoupMemory {
  readonly #outcomes = new Map<string, Promise<Outcome>>();
  readonly #evaluated = new Set<string>();

  private constructor(
    readonly pool: Pool,
    readonly union: Union,
    /** Of every model on every sample of the union; in a file where memory is limited and they do not fit. */
    private readonly logits: readonly StoredLogits[],
    /** Of every model. */
    private readonly singles: readonly Prediction[],
    readonly backend: Backend,
    readonly threads: number,
    /** Names the bytes of all the pool's files. */
    readonly content: string,
    /** How long evaluations take. */
    readonly pace: Pace,
    /** What is taken, and where it is limited how. */
    readonly memory: { readonly meter: MemoryMeter; readonly plan: MemoryPlan | undefined },
    private readonly evaluator: OnnxEvaluator,
    private readonly folder: PredictionFolder | undefined,
    private readonly store: LogitsStore,
  ) {}

  /** Opens the pool's files and evaluates each model once. */
  static async open(files: PoolFiles, union: Union, options: SoupMemoryOptions): Promise<SoupMemory> {
    const { cache, limit } = options;
    const { graph } = files;
    if (graph === undefined) {
      throw new RadinError('CONFIG', 'Expected a pool with a graph, which comparisons of methods need, but found none');
    }
    const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict, base: files.base });
    let evaluator: OnnxEvaluator | undefined;
    let store: LogitsStore | undefined;
    const meter = new MemoryMeter();
    try {
      const pool = new Pool(checkpoints);
      const model = await readOnnx(graph);
      const plan = limit && memoryPlan({ pool, graph: model }, files, union, { ...limit, threads: options.threads });
      const { threads, backend } = withinPlan(options, plan);
      evaluator = await OnnxEvaluator.open(model, pool, {
        threads,
        meter,
        ...(files.output !== undefined && { output: files.output }),
        ...(files.rename !== undefined && { rename: files.rename }),
      });
      const [paths, choices] = await contentsOf(files, union);
      const content = await contentOf(paths, files.output, choices);
      const folder = cache === undefined ? undefined : await PredictionFolder.open(cache, content, union.samples);
      const mostBytes = plan?.shares.logits ?? Number.POSITIVE_INFINITY;
      store = new LogitsStore({ models: pool.size, mostBytes, folder: folder?.path ?? tmpdir() });
      options.onPasses?.(pool.size);
      const [logits, singles] = await passes(pool, evaluator, union, store, threads);
      const pace = new Pace(folder && join(folder.path, `pace-${threads}.json`));
      return new SoupMemory(
        pool,
        union,
        logits,
        singles,
        backend,
        threads,
        content,
        pace,
        { meter, plan },
        evaluator,
        folder,
        store,
      );
    } catch (error) {
      await evaluator?.dispose();
      await store?.close();
      meter.close();
      await closeCheckpoints(checkpoints);
      throw error;
    }
  }

  /** Soups of several models that this process had to evaluate. */
  get evaluated(): number {
    return this.#evaluated.size;
  }

  /** A folder for what is known of exactly this pool, if anything is kept. */
  get folderPath(): string | undefined {
    return this.folder?.path;
  }

  /** C. */
  get classes(): number {
    return (this.logits[0] as StoredLogits).classes;
  }

  /** Outcomes of the mixtures' soups. Single models cost nothing. */
  outcomes(mixtures: readonly Mixture[], signal?: AbortSignal): Promise<Outcome[]> {
    return Promise.all(mixtures.map((mixture) => this.#outcome(mixture, signal)));
  }

  /** As `outcomes`, but what has to be evaluated is not remembered: for soups that nobody will ask for again. */
  async passingOutcomes(mixtures: readonly Mixture[], signal?: AbortSignal): Promise<Outcome[]> {
    return Promise.all(
      mixtures.map(async (mixture) => {
        const known = this.#outcomes.get(mixture.key) ?? (await this.#find(mixture));
        return known ?? outcomeOf(await this.#predict(mixture, signal), this.union);
      }),
    );
  }

  /** Of every mixture that anyone has asked for so far. */
  known(): Promise<{ key: string; outcome: Outcome }[]> {
    return Promise.all([...this.#outcomes].map(async ([key, outcome]) => ({ key, outcome: await outcome })));
  }

  single(model: number): Mixture {
    return Mixture.uniform(this.pool.size, [model]);
  }

  /** The cached logits of some of the samples, as a search on these would have them. No copy of samples that follow one another. */
  select(samples: Int32Array, labels: Int32Array): PoolLogits {
    const parts = this.logits.map((logits) => rowsOf(logits, samples));
    return poolLogits(
      this.pool.ids,
      parts,
      Int32Array.from(samples, (sample) => labels[sample] as number),
    );
  }

  async dispose(): Promise<void> {
    await this.pace.save();
    await this.evaluator.dispose();
    await this.store.close();
    this.memory.meter.close();
    this.union.inputs.close();
    await closeCheckpoints(this.pool.checkpoints as readonly FileCheckpoint[]);
  }

  #outcome(mixture: Mixture, signal: AbortSignal | undefined): Promise<Outcome> {
    const known = this.#outcomes.get(mixture.key);
    if (known !== undefined) return known;
    const outcome = this.#evaluate(mixture, signal);
    this.#outcomes.set(mixture.key, outcome);
    outcome.catch(() => this.#outcomes.delete(mixture.key));
    return outcome;
  }

  async #evaluate(mixture: Mixture, signal: AbortSignal | undefined): Promise<Outcome> {
    const found = await this.#find(mixture);
    if (found !== undefined) return found;
    const prediction = await this.#predict(mixture, signal);
    await this.folder?.write(mixture.key, prediction);
    return outcomeOf(prediction, this.union);
  }

  /** Of a single model, or of a soup whose prediction an earlier run has written. */
  async #find(mixture: Mixture): Promise<Outcome | undefined> {
    const [only] = mixture.ingredients;
    const found = mixture.size === 1 ? this.singles[only as number] : await this.folder?.read(mixture.key);
    return found && outcomeOf(found, this.union);
  }

  async #predict(mixture: Mixture, signal: AbortSignal | undefined): Promise<Prediction> {
    const { labels, inputs } = this.union;
    const soup = new Soup(this.pool, mixture, this.backend);
    const logits = await this.pace.timed(() => this.evaluator.logits(soup, inputs, signal ? { signal } : {}));
    this.#evaluated.add(mixture.key);
    return predictionOf(logits, labels);
  }
}

function withinPlan(
  { threads, backend }: Pick<SoupMemoryOptions, 'threads' | 'backend'>,
  plan: MemoryPlan | undefined,
): Pick<SoupMemoryOptions, 'threads' | 'backend'> {
  return plan === undefined
    ? { threads, backend }
    : { threads: plan.shares.atOnce, backend: limitedBackend(backend, plan.shares.work) };
}

/** One pass of every model, of which as many are under way as there are threads; their logits, and what they predict. */
async function passes(
  pool: Pool,
  evaluator: OnnxEvaluator,
  { inputs, labels }: Union,
  store: LogitsStore,
  threads: number,
): Promise<[StoredLogits[], Prediction[]]> {
  const logits: StoredLogits[] = [];
  const singles: Prediction[] = [];
  const models = pool.checkpoints.entries();
  const work = async () => {
    for (const [index, model] of models) {
      const found = await evaluator.logits(model, inputs);
      singles[index] = predictionOf(found, labels);
      logits[index] = await store.keep(index, found);
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return [logits, singles];
}

/** @throws RangeError for samples that do not follow one another, of logits in a file */
function rowsOf(logits: StoredLogits, samples: Int32Array): StoredLogits {
  const { source, classes } = logits;
  const bytes = classes * Float32Array.BYTES_PER_ELEMENT;
  const [first = 0] = samples;
  const part = { dtype: logits.dtype, samples: samples.length, classes };
  if (samples.every((sample, row) => sample === first + row)) {
    return { ...part, source: rangeOf(source, first * bytes, samples.length * bytes) };
  }
  if (!(source instanceof Uint8Array)) throw new RangeError('Expected consecutive samples of logits in a file');
  const chosen = new Uint8Array(samples.length * bytes);
  for (const [row, sample] of samples.entries()) {
    chosen.set(source.subarray(sample * bytes, (sample + 1) * bytes), row * bytes);
  }
  return { ...part, source: chosen };
}

function rangeOf(source: Source, offset: number, byteLength: number): Source {
  return source instanceof Uint8Array
    ? source.subarray(offset, offset + byteLength)
    : { ...source, offset: source.offset + offset, byteLength };
}

/** All files of a pool, and what else decides how they are read, where anything does. */
async function contentsOf(files: PoolFiles, union: Union): Promise<[paths: string[], choices: string]> {
  const { graph, models, base, validation, test, rename, stateDict } = files;
  const splits = [validation, test].flatMap((split) =>
    split ? [...(split.inputs === undefined ? [] : arraySources(split.inputs)), split.labels].flat() : [],
  );
  const places = splits.map(arrayPlace);
  const names = places.map(({ name }) => name ?? '');
  const weights = base === undefined ? models : [...models, base];
  const shards = (await Promise.all(weights.map(modelFiles))).flat();
  const isPlain = rename === undefined && stateDict === undefined && names.every((name) => name === '');
  const choices = isPlain ? '' : JSON.stringify({ rename, stateDict, names });
  return [
    [...(graph === undefined ? [] : [graph]), ...shards, ...places.map(({ path }) => path), ...union.labelFiles],
    choices,
  ];
}
