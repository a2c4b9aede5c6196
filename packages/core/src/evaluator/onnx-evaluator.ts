import { availableParallelism } from 'node:os';
import { checkLabels, type Inputs, type Split } from '../data/index.js';
import { dtypeBytes, type OnnxModel, type TemporaryFile } from '../formats/index.js';
import type { Logits } from '../logits/index.js';
import { type Checkpoint, type Pool, readTensors } from '../pool/index.js';
import { Slots } from '../slots.js';
import type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
import { FencedJobs } from './fenced-jobs.js';
import { checkInputs, type GraphOptions, type GraphPlan, planGraph } from './graph-plan.js';
import { Job, placeOf } from './job.js';
import type { EvaluationLimits } from './limits.js';
import type { MemoryMeter } from './memory-meter.js';
import { WeightsFiles } from './weights-files.js';

/** Enough samples per run to spread its fixed cost, few enough that a batch's activations stay in cache. */
const MAX_BATCH = 64;
/** Bytes of input per run, for large images. */
const MAX_BATCH_BYTES = 16 * 2 ** 20;

/** Copies of the weights that a thread and the model that it works on take: in its file, and in the thread. */
const COPIES_PER_THREAD = 2;

export interface OnnxEvaluatorOptions extends GraphOptions, EvaluationLimits {
  /** Threads, each with a session of its own; default: all cores. No result depends on it. */
  readonly threads?: number;
  /** Samples per run; default: up to 64, fewer for large samples. The last bits of the logits can depend on it. */
  readonly batch?: number;
  /** Bytes that weights may take in all threads together: fewer threads where they would take more, and at least one. */
  readonly maxWeightBytes?: number;
  /** Is told of the process that evaluates and of weights in memory, until they are gone. */
  readonly meter?: MemoryMeter;
}

/** Evaluates checkpoints on ONNX Runtime, in a process of its own: one graph, weights fed anew for each model, every core busy. */
export class OnnxEvaluator implements Evaluator {
  readonly plan: GraphPlan;
  /** Evaluated at once, and models in memory for them: one more would only wait. */
  readonly threads: number;
  readonly mostOpen: number;
  readonly #batch: number | undefined;
  readonly #jobs: FencedJobs;
  readonly #files: WeightsFiles;
  readonly #slots: Slots;
  readonly #loading: Slots;
  #nextId = 0;
  #disposed: Promise<void> | undefined;

  private constructor(
    plan: GraphPlan,
    threads: number,
    { batch, maxWeightBytes = Number.POSITIVE_INFINITY, meter }: OnnxEvaluatorOptions,
    jobs: FencedJobs,
  ) {
    this.plan = plan;
    this.threads = threads;
    const copies = Math.floor(maxWeightBytes / Math.max(1, plan.weightBytes));
    this.mostOpen = Math.max(1, copies - (COPIES_PER_THREAD - 1) * threads);
    this.#batch = plan.fixedBatch ?? batch;
    this.#jobs = jobs;
    this.#files = new WeightsFiles(threads, meter);
    this.#slots = new Slots(threads);
    this.#loading = new Slots(threads);
  }

  /** Checks the graph against the pool and starts the process. @throws RadinError where they do not fit or ONNX Runtime refuses the graph. */
  static async open(graph: OnnxModel, pool: Pool, options: OnnxEvaluatorOptions = {}): Promise<OnnxEvaluator> {
    const plan = planGraph(graph, pool, options);
    const { threads: wanted = availableParallelism(), maxWeightBytes = Number.POSITIVE_INFINITY } = options;
    const fitting = Math.floor(maxWeightBytes / Math.max(1, COPIES_PER_THREAD * plan.weightBytes));
    const threads = Math.max(1, Math.min(wanted, fitting));
    const { graph: bytes, inputs, output, weights, weightBytes, task } = plan;
    const jobs = await FencedJobs.start(
      { graph: bytes, inputs, output, weights, weightBytes, task, threads },
      plan.path,
      options,
    );
    return new OnnxEvaluator(plan, threads, options, jobs);
  }

  /** Checks what can be known before a model runs: the inputs' shape and dtype, and the labels where the graph states C. @throws RadinError */
  check(split: Split): void {
    checkInputs(this.plan, split.inputs);
    if (this.plan.classes !== undefined) checkLabels(split.labels, this.plan.classes);
  }

  /** The same for inputs without labels. @throws RadinError */
  checkInputs(inputs: Inputs): void {
    checkInputs(this.plan, inputs);
  }

  async logits(model: Checkpoint, inputs: Inputs, options: EvaluateOptions = {}): Promise<Logits> {
    options.signal?.throwIfAborted();
    checkInputs(this.plan, inputs);
    await this.#slots.acquire(options.signal);
    let loaded: LoadedModel | undefined;
    try {
      loaded = await this.open(model, inputs, options);
      return await loaded.logits(undefined, options);
    } finally {
      void (loaded?.close() ?? Promise.resolve()).then(() => this.#slots.release());
    }
  }

  async open(model: Checkpoint, inputs: Inputs, options: { readonly signal?: AbortSignal } = {}): Promise<LoadedModel> {
    const { signal } = options;
    signal?.throwIfAborted();
    checkInputs(this.plan, inputs);
    const file = await this.#load(model, signal);
    const weights = { id: this.#nextId++, path: file.path };
    /** The jobs that threads may still be inside of, stopped ones too. */
    const busy = new Set<Promise<void>>();
    return {
      logits: (samples, run = {}) => this.#run(weights, model, inputs, samples, busy, run),
      // The file is used again only when every thread has left it.
      close: async () => {
        await Promise.all(busy);
        if (this.#disposed === undefined) this.#files.giveBack(file);
        else file.close();
      },
    };
  }

  batchOf(inputs: Inputs): number {
    if (this.#batch !== undefined) return this.#batch;
    let sampleBytes = 0;
    for (const { name, dtype } of this.plan.inputs) {
      const { shape } = inputs.all.find((one) => one.name === name) ?? inputs;
      sampleBytes += shape.slice(1).reduce((product, size) => product * size, dtypeBytes(dtype));
    }
    return Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_BATCH_BYTES / sampleBytes)));
  }

  get weightBytes(): number {
    return this.plan.weightBytes;
  }

  /** Ends the process at once. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#jobs.end(new Error('the evaluator was disposed of')).then(() => this.#files.close());
    return this.#disposed;
  }

  /** One job: all threads that are free work on it. */
  async #run(
    weights: { readonly id: number; readonly path: string },
    model: Checkpoint,
    inputs: Inputs,
    order: Uint32Array | undefined,
    busy: Set<Promise<void>>,
    { signal, onProgress }: EvaluateOptions,
  ): Promise<Logits> {
    signal?.throwIfAborted();
    if (order?.length === 0) throw new RangeError('Expected at least one sample but received none');
    const request = {
      id: this.#nextId++,
      weights: weights.path,
      weightsId: weights.id,
      order,
      samples: order?.length ?? inputs.samples,
      batch: this.batchOf(inputs),
      fixed: this.plan.fixedBatch !== undefined,
    };
    const job = new Job(request, placeOf(model, inputs), onProgress);
    this.#jobs.add(job, inputs);
    const stop = () => this.#jobs.abort(job, signal?.reason);
    const left = job.left.then(() => void busy.delete(left));
    busy.add(left);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await job.result;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Reads, or averages, the weights and puts them where the threads find them. */
  async #load(model: Checkpoint, signal: AbortSignal | undefined): Promise<TemporaryFile> {
    await this.#loading.acquire(signal);
    try {
      return await this.#files.write(this.plan.weightBytes, (window, begin) => {
        const reads = partsOf(this.plan.weights, begin, begin + window.byteLength).map(({ tensor, from, to, at }) => ({
          name: tensor,
          target: window.subarray(at - begin, at - begin + to - from),
          byteOffset: from,
        }));
        return readTensors(model, reads, signal ? { signal } : {});
      });
    } finally {
      this.#loading.release();
    }
  }
}

/** What lies between two places of the buffer of all weights: bytes `from` to `to` of a tensor, which begin at `at` in the buffer. */
function partsOf(
  weights: GraphPlan['weights'],
  begin: number,
  end: number,
): { readonly tensor: string; readonly from: number; readonly to: number; readonly at: number }[] {
  return weights.flatMap(({ tensor, byteOffset, byteLength }) => {
    const from = Math.max(0, begin - byteOffset);
    const to = Math.min(byteLength, end - byteOffset);
    return from < to ? [{ tensor, from, to, at: byteOffset + from }] : [];
  });
}
