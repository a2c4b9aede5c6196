import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { KeyParts } from '../cache/index.js';
import { elementsSha256, type Inputs, labelsKeyParts, type Split } from '../data/index.js';
import { fileError, quote, RadinError } from '../errors/index.js';
import { isAt, tensorFormat } from '../formats/index.js';
import { type Logits, logitsOf, scoredClasses } from '../logits/index.js';
import type { Metric } from '../metric/index.js';
import { writeCheckpoint } from '../mixture/index.js';
import { type Checkpoint, FileCheckpoint } from '../pool/index.js';
import { Slots } from '../slots.js';
import { hashesOfNamedFiles } from './command-files.js';
import { failureOf, printedScore, readCommandLogits } from './command-result.js';
import { commandWords, fillIn } from './command-words.js';
import type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
import { LostEvaluation } from './lost-evaluation.js';
import { OrphanGuard } from './orphan-guard.js';
import { ProgramRunner } from './program-runner.js';

/** Long enough for a pass over a large split; without a limit a program that hangs would hang the search. */
const DEFAULT_TIMEOUT_S = 3600;
/** Linux takes 128 KiB for one variable; ids of large soups can be longer. */
const LONGEST_MODEL = 4096;

export interface CommandEvaluatorOptions {
  /** A list of the program and its arguments, or a text that `commandWords` splits. */
  readonly command: string | readonly string[];
  /** Where it runs. */
  readonly folder: string;
  /** Evaluations at a time; default 1. */
  readonly slots?: number;
  /** Seconds that an evaluation may take; default one hour. */
  readonly timeout?: number;
  /** How often one that failed is run again; default 1. */
  readonly retries?: number;
  /** To be changed where results change and neither the command nor the files that it names do. */
  readonly version?: string;
}

/** A split as the program knows it, and the samples of it that are asked for. */
type Data = Pick<Split, 'labels' | 'part' | 'samples'> & { readonly name: 'validation' | 'test' };

/**
 * Evaluates checkpoints by a program of the user, a process for each: it is given the weights as a safetensors file and leaves logits
 * or prints a score (docs/evaluators.md). It evaluates whole splits.
 */
export class CommandEvaluator implements Evaluator {
  readonly wholeOnly = true;
  /** The weights are in the program's memory. */
  readonly weightBytes = 0;
  readonly words: readonly string[];
  readonly #options: CommandEvaluatorOptions;
  readonly #metric: Metric;
  readonly #splits = new Map<Inputs, Data>();
  readonly #runner = new ProgramRunner();
  readonly #slots: Slots;
  readonly #freeSlots: number[];
  /** Of evaluations under way, and what sees to each if we cannot. */
  readonly #folders = new Map<string, OrphanGuard>();
  readonly #disposed = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #named: Promise<KeyParts[string]> | undefined;
  /** C, as the first logits have it. */
  #classes: number | undefined;

  /** @throws RadinError where the command is none */
  constructor(options: CommandEvaluatorOptions, metric: Metric) {
    const { command, slots = 1 } = options;
    this.words = commandWords(command);
    this.#options = options;
    this.#metric = metric;
    this.#slots = new Slots(slots);
    this.#freeSlots = [...Array(slots).keys()];
    process.on('exit', this.#atExit);
  }

  /** Makes a split known, of whose inputs evaluations will be asked. */
  admit(split: Split): void {
    this.#splits.set(split.inputs, { ...split, name: split.name === 'test' ? 'test' : 'validation' });
  }

  async logits(model: Checkpoint, inputs: Inputs, options: EvaluateOptions = {}): Promise<Logits> {
    const found = await this.logitsOrScore(model, inputs, options);
    if (typeof found !== 'number') return found;
    throw new RadinError(
      'EVALUATION',
      `Expected logits of ${quote(model.id)} but found only a score from the evaluator's command: where it prints scores, name files with the models' logits (logits: in radin.yaml, or --val-logits and --test-logits)`,
    );
  }

  async logitsOrScore(model: Checkpoint, inputs: Inputs, options: EvaluateOptions = {}): Promise<Logits | number> {
    const { signal, onProgress } = options;
    const either = signal ? AbortSignal.any([signal, this.#disposed.signal]) : this.#disposed.signal;
    either.throwIfAborted();
    const data = this.#splits.get(inputs);
    if (data === undefined) throw new RangeError('Expected the inputs of a split that the evaluator was told of');
    const running = this.#inSlot(model, data, either);
    const settled = running.catch(() => {});
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    const found = await running;
    if (typeof found === 'number' && data.part !== undefined) {
      throw new RadinError(
        'EVALUATION',
        `Expected logits of ${quote(model.id)}, of which some samples can be held out, but found only a score from the evaluator's command, of all ${data.part.of} samples`,
      );
    }
    onProgress?.(data.samples);
    return found;
  }

  /** Evaluates the whole split once; parts are taken from that. */
  async open(model: Checkpoint, inputs: Inputs, options: { readonly signal?: AbortSignal } = {}): Promise<LoadedModel> {
    const whole = await this.logits(model, inputs, options);
    return {
      logits: async (samples) => (samples === undefined ? whole : logitsOf(whole, samples)),
      close: async () => {},
    };
  }

  batchOf(inputs: Inputs): number {
    return inputs.shape[0] as number;
  }

  /** What logits and scores depend on besides weights and inputs, as far as can be known. Cost: reads the files that the command names. */
  async keyParts(inputs: Inputs): Promise<KeyParts> {
    const { folder, version } = this.#options;
    const data = this.#splits.get(inputs) as Data;
    this.#named ??= hashesOfNamedFiles(this.words, folder);
    return {
      command: this.words,
      files: await this.#named,
      ...(version !== undefined && { commandVersion: version }),
      split: data.name,
      ...(await labelsKeyParts(data.labels)),
      ...(data.part && { part: [data.part.of, await elementsSha256(data.part.samples)] }),
    };
  }

  /** Ends all programs. */
  async dispose(): Promise<void> {
    this.#disposed.abort(new Error('the evaluator was disposed of'));
    await Promise.all(this.#running);
    process.off('exit', this.#atExit);
  }

  /** For when our process ends without `dispose`. */
  readonly #atExit = (): void => {
    this.#runner.endAll();
    for (const [folder, guard] of this.#folders) {
      rmSync(folder, { recursive: true, force: true });
      guard.close();
    }
  };

  async #inSlot(model: Checkpoint, data: Data, signal: AbortSignal): Promise<Logits | number> {
    await this.#slots.acquire(signal);
    const slot = this.#freeSlots.shift() as number;
    try {
      const folder = await temporaryFolder();
      const guard = new OrphanGuard(folder);
      this.#folders.set(folder, guard);
      try {
        return await this.#evaluate(model, data, { folder, slot, signal, guard });
      } finally {
        try {
          await rm(folder, { recursive: true, force: true });
          this.#folders.delete(folder);
        } finally {
          guard.close();
        }
      }
    } finally {
      this.#freeSlots.push(slot);
      this.#freeSlots.sort((a, b) => a - b);
      this.#slots.release();
    }
  }

  async #evaluate(model: Checkpoint, data: Data, place: Place): Promise<Logits | number> {
    const weights = await weightsFile(model, place);
    const attempts = 1 + (this.#options.retries ?? 1);
    for (let attempt = 1; ; attempt++) {
      const found = await this.#attempt(model, data, weights, place);
      if (typeof found !== 'string') return found;
      if (attempt < attempts) continue;
      const times = attempts === 1 ? '' : `, ${attempts} times`;
      throw new LostEvaluation(
        `Expected ${quote(this.words.join(' '))} to evaluate ${quote(model.id)} on the ${data.name} split but found${times}: ${found}`,
      );
    }
  }

  /** Logits, a score, or what was wrong, in words. */
  async #attempt(
    model: Checkpoint,
    data: Data,
    weights: string,
    { folder, slot, signal, guard }: Place,
  ): Promise<Logits | number | string> {
    const { timeout = DEFAULT_TIMEOUT_S } = this.#options;
    const logits = join(folder, 'logits.npy');
    await rm(logits, { recursive: true, force: true });
    const end = await this.#runner.run({
      command: fillIn(this.words, { weights, split: data.name, logits }),
      folder: this.#options.folder,
      environment: {
        ...process.env,
        RADIN_WEIGHTS: weights,
        RADIN_SPLIT: data.name,
        RADIN_LOGITS: logits,
        RADIN_MODEL: model.id.slice(0, LONGEST_MODEL),
        RADIN_SLOT: String(slot),
      },
      timeoutMs: timeout * 1000,
      signal,
      guard,
    });
    const failure = failureOf(end, timeout * 1000);
    if (failure !== undefined) return failure;
    try {
      if (!(await isAt(logits))) return printedScore(end, this.#metric);
      const found = await readCommandLogits(logits, data);
      const classes = scoredClasses(found, data.labels);
      this.#classes ??= classes;
      if (classes === this.#classes) return found;
      return `Expected logits of ${this.#classes} classes as before but found ${classes}`;
    } catch (error) {
      if (error instanceof RadinError) return error.message;
      throw error;
    }
  }
}

interface Place {
  readonly folder: string;
  readonly slot: number;
  readonly signal: AbortSignal;
  readonly guard: OrphanGuard;
}

async function temporaryFolder(): Promise<string> {
  const prefix = join(tmpdir(), 'radin-evaluation-');
  return mkdtemp(prefix).catch((error: unknown) => {
    throw fileError('write', tmpdir(), error);
  });
}

/** The model's own file where it is one that the program can read, else a copy, or the soup, in the folder. */
async function weightsFile(model: Checkpoint, { folder, signal }: Place): Promise<string> {
  if (model instanceof FileCheckpoint && !model.path.endsWith('.json')) {
    if ((await tensorFormat(model.path)) === 'safetensors') return resolve(model.path);
  }
  const path = join(folder, 'weights.safetensors');
  await writeCheckpoint(path, model, { signal });
  return path;
}
