import { join } from 'node:path';
import {
  arrayPlace,
  arraySources,
  type Backend,
  closeCheckpoints,
  type FileCheckpoint,
  type Logits,
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
  storedInMemory,
} from '@radin/core';
import { type Outcome, outcomeOf, type Prediction, predictionOf } from './outcome.js';
import { Pace } from './pace.js';
import { contentOf, PredictionFolder } from './prediction-folder.js';
import type { Union } from './union.js';

export interface SoupMemoryOptions {
  readonly backend: Backend;
  readonly threads: number;
  /** A folder that keeps predictions from one run to the next. */
  readonly cache: string | undefined;
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
    /** Of every model on every sample of the union. */
    readonly logits: readonly Logits[],
    readonly backend: Backend,
    readonly threads: number,
    /** Names the bytes of all the pool's files. */
    readonly content: string,
    /** How long evaluations take. */
    readonly pace: Pace,
    private readonly evaluator: OnnxEvaluator,
    private readonly folder: PredictionFolder | undefined,
  ) {}

  /** Opens the pool's files and evaluates each model once. */
  static async open(files: PoolFiles, union: Union, options: SoupMemoryOptions): Promise<SoupMemory> {
    const { backend, threads, cache } = options;
    const { graph } = files;
    if (graph === undefined) {
      throw new RadinError('CONFIG', 'Expected a pool with a graph, which comparisons of methods need, but found none');
    }
    const checkpoints = await openCheckpoints(files.models, { stateDict: files.stateDict, base: files.base });
    let evaluator: OnnxEvaluator | undefined;
    try {
      const pool = new Pool(checkpoints);
      evaluator = await OnnxEvaluator.open(await readOnnx(graph), pool, {
        threads,
        ...(files.output !== undefined && { output: files.output }),
        ...(files.rename !== undefined && { rename: files.rename }),
      });
      const running = evaluator;
      const logits = await Promise.all(pool.checkpoints.map((model) => running.logits(model, union.inputs)));
      const [paths, choices] = await contentsOf(files, union);
      const content = await contentOf(paths, files.output, choices);
      const folder = cache === undefined ? undefined : await PredictionFolder.open(cache, content, union.samples);
      const pace = new Pace(folder && join(folder.path, `pace-${threads}.json`));
      return new SoupMemory(pool, union, logits, backend, threads, content, pace, evaluator, folder);
    } catch (error) {
      await evaluator?.dispose();
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
    return (this.logits[0] as Logits).classes;
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

  /** The cached logits of some of the samples, as a search on these would have them. */
  select(samples: Int32Array, labels: Int32Array): PoolLogits {
    const parts = this.logits.map(({ values, classes }) => {
      const chosen = new Float32Array(samples.length * classes);
      for (const [row, sample] of samples.entries()) {
        chosen.set(values.subarray(sample * classes, (sample + 1) * classes), row * classes);
      }
      return storedInMemory({ values: chosen, samples: samples.length, classes });
    });
    return poolLogits(
      this.pool.ids,
      parts,
      Int32Array.from(samples, (sample) => labels[sample] as number),
    );
  }

  async dispose(): Promise<void> {
    await this.pace.save();
    await this.evaluator.dispose();
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
    const found =
      mixture.size === 1
        ? predictionOf(this.logits[only as number] as Logits, this.union.labels)
        : await this.folder?.read(mixture.key);
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
