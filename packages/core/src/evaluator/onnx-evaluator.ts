import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { checkLabels, type Inputs, type Split } from '../data/index.js';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes, type OnnxModel } from '../formats/index.js';
import type { Logits } from '../logits/index.js';
import { type Checkpoint, type Pool, readTensors } from '../pool/index.js';
import { Slots } from '../slots.js';
import type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
import { checkInputs, type GraphOptions, type GraphPlan, planGraph } from './graph-plan.js';
import { Job } from './job.js';
import { CLOSE, type WorkerReply, type WorkerSetup } from './protocol.js';

/** Enough samples per run to spread its fixed cost, few enough that a batch's activations stay in cache. */
const MAX_BATCH = 64;
/** Bytes of input per run, for large images. */
const MAX_BATCH_BYTES = 16 * 2 ** 20;

export interface OnnxEvaluatorOptions extends GraphOptions {
  /** Threads, each with a session of its own; default: all cores. No result depends on it. */
  readonly threads?: number;
  /** Samples per run; default: up to 64, fewer for large samples. The last bits of the logits can depend on it. */
  readonly batch?: number;
}

/** Evaluates checkpoints on ONNX Runtime: one graph, weights fed anew for each model, every core busy. */
export class OnnxEvaluator implements Evaluator {
  readonly plan: GraphPlan;
  readonly #batch: number | undefined;
  readonly #threads: number;
  readonly #workers: Worker[] = [];
  readonly #exits = new Map<Worker, Promise<unknown>>();
  readonly #idle: Worker[] = [];
  /** Jobs under way, oldest first. */
  readonly #jobs = new Map<number, Job>();
  readonly #spareWeights: SharedArrayBuffer[] = [];
  /** As many models in memory as threads: one more would only wait. */
  readonly #slots: Slots;
  #nextId = 0;
  #failure: Error | undefined;

  private constructor(plan: GraphPlan, options: OnnxEvaluatorOptions) {
    this.plan = plan;
    this.#batch = plan.fixedBatch ?? options.batch;
    this.#threads = options.threads ?? availableParallelism();
    this.#slots = new Slots(this.#threads);
  }

  /** Checks the graph against the pool and starts the threads. @throws RadinError where they do not fit or ONNX Runtime refuses the graph. */
  static async open(graph: OnnxModel, pool: Pool, options: OnnxEvaluatorOptions = {}): Promise<OnnxEvaluator> {
    // ONNX Runtime reads this when it is loaded. Without it, it keeps a device id and events under the home folder to send.
    process.env.ORT_DISABLE_TELEMETRY ??= '1';
    const evaluator = new OnnxEvaluator(planGraph(graph, pool, options), options);
    try {
      await Promise.all(Array.from({ length: evaluator.#threads }, () => evaluator.#startWorker()));
    } catch (error) {
      await evaluator.dispose();
      throw error;
    }
    return evaluator;
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
    const bytes = this.#spareWeights.pop() ?? new SharedArrayBuffer(this.plan.weightBytes);
    const giveBack = () => {
      if (this.#spareWeights.length < this.#threads) this.#spareWeights.push(bytes);
    };
    try {
      await this.#load(model, bytes, signal);
      signal?.throwIfAborted();
    } catch (error) {
      giveBack();
      throw error;
    }
    const weights = { id: this.#nextId++, bytes };
    /** The jobs that threads may still be inside of, stopped ones too. */
    const busy = new Set<Promise<void>>();
    return {
      logits: (samples, run = {}) => this.#run(weights, model, inputs, samples, busy, run),
      // The memory is used again only when every thread has left it.
      close: () => Promise.all(busy).then(giveBack),
    };
  }

  batchOf(inputs: Inputs): number {
    if (this.#batch !== undefined) return this.#batch;
    const sampleBytes = inputs.shape
      .slice(1)
      .reduce((product, size) => product * size, dtypeBytes(this.plan.input.dtype));
    return Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_BATCH_BYTES / sampleBytes)));
  }

  get weightBytes(): number {
    return this.plan.weightBytes;
  }

  /** Ends all threads, after the batches that they are in. */
  async dispose(): Promise<void> {
    this.#fail(new Error('the evaluator was disposed of'));
    const workers = this.#workers.splice(0);
    for (const worker of workers) worker.postMessage(CLOSE);
    await Promise.all(workers.map((worker) => this.#exits.get(worker)));
  }

  /** One job: all threads that are free work on it. */
  async #run(
    weights: { readonly id: number; readonly bytes: SharedArrayBuffer },
    model: Checkpoint,
    inputs: Inputs,
    samples: Uint32Array | undefined,
    busy: Set<Promise<void>>,
    { signal, onProgress }: EvaluateOptions,
  ): Promise<Logits> {
    signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    if (samples?.length === 0) throw new RangeError('Expected at least one sample but received none');
    const batch = { size: this.batchOf(inputs), fixed: this.plan.fixedBatch !== undefined };
    const job = new Job(this.#nextId++, weights, inputs, samples, batch, onProgress);
    const stop = () => job.abort(signal?.reason);
    const left = job.left.then(() => {
      this.#jobs.delete(job.message.id);
      busy.delete(left);
    });
    busy.add(left);
    signal?.addEventListener('abort', stop, { once: true });
    this.#jobs.set(job.message.id, job);
    this.#dispatch();
    try {
      return await job.result;
    } catch (error) {
      throw error instanceof RadinError ? named(error, model, inputs) : error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Weights go through private memory: native code does not write to shared memory that other threads read. */
  async #load(model: Checkpoint, weights: SharedArrayBuffer, signal: AbortSignal | undefined): Promise<void> {
    const staging = new Uint8Array(this.plan.weightBytes);
    const reads = this.plan.weights.map(({ tensor, byteOffset, byteLength }) => ({
      name: tensor,
      target: staging.subarray(byteOffset, byteOffset + byteLength),
    }));
    await readTensors(model, reads, signal ? { signal } : {});
    new Uint8Array(weights).set(staging);
  }

  #startWorker(): Promise<void> {
    const { graph, input, output, weights, weightBytes, task } = this.plan;
    const setup: WorkerSetup = { graph, input, output, weights, weightBytes, task };
    const worker = new Worker(createRequire(import.meta.url).resolve('@radin/core/onnx-worker'), { workerData: setup });
    this.#workers.push(worker);
    this.#exits.set(worker, new Promise((resolve) => worker.once('exit', resolve)));
    return new Promise((resolve, reject) => {
      worker.on('message', (reply: WorkerReply) => {
        if (reply.kind === 'ready') {
          this.#idle.push(worker);
          resolve();
        } else if (reply.kind === 'broken') {
          reject(
            new RadinError(
              'GRAPH',
              `Expected a graph that ONNX Runtime can run but found ${this.plan.path}: ${reply.message}`,
            ),
          );
        } else {
          this.#jobs.get(reply.job)?.receive(reply);
          if (reply.kind === 'left') {
            this.#idle.push(worker);
            this.#dispatch();
          }
        }
      });
      worker.on('error', (error) => {
        reject(error);
        this.#fail(error);
      });
      worker.on('exit', (code) => this.#fail(new Error(`an evaluation thread ended with code ${code}`)));
    });
  }

  /** Gives every idle thread the oldest job that no thread has begun, else helps to finish the oldest. */
  #dispatch(): void {
    while (this.#idle.length > 0) {
      const open = [...this.#jobs.values()].filter((job) => job.unclaimed);
      const job = open.find((candidate) => candidate.threads === 0) ?? open[0];
      if (job === undefined) return;
      job.join();
      this.#idle.pop()?.postMessage(job.message);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const job of this.#jobs.values()) job.abandon(error);
  }
}

function named(error: RadinError, model: Checkpoint, inputs: Inputs): RadinError {
  return new RadinError(error.code, `${error.message} (model ${quote(model.id)}, inputs ${inputs.path})`, {
    cause: error,
  });
}
