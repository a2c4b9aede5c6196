import type { Inputs } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import type { Logits } from '../logits/index.js';
import { CONTROL_WORDS, type JobMessage, NEXT_BATCH, STOP, type WorkerReply } from './protocol.js';

/** One model over one data set while it is evaluated: collects the batches of all threads that work on it. */
export class Job {
  readonly message: JobMessage;
  /** The logits; rejects when the job fails or is aborted, while threads may still be inside a batch. */
  readonly result: Promise<Logits>;
  /** Settles when no thread works on the job any more. */
  readonly left: Promise<void>;
  readonly #samples: number;
  readonly #control: Int32Array;
  readonly #onProgress: ((samples: number) => void) | undefined;
  #resolve!: (logits: Logits) => void;
  #reject!: (reason: unknown) => void;
  #leave!: () => void;
  #threads = 0;
  #done = 0;
  #logits: Logits | undefined;
  #firstFailure: Extract<WorkerReply, { kind: 'failed' }> | undefined;

  constructor(
    id: number,
    weights: { readonly id: number; readonly bytes: SharedArrayBuffer },
    inputs: Inputs,
    order: Uint32Array | undefined,
    batch: { readonly size: number; readonly fixed: boolean },
    onProgress: ((samples: number) => void) | undefined,
  ) {
    const control = new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT);
    const { bytes, dtype, shape, positions } = inputs;
    this.#samples = order?.length ?? (shape[0] as number);
    this.message = {
      id,
      weights: weights.bytes,
      weightsId: weights.id,
      control,
      inputs: { bytes, dtype, shape, positions },
      order,
      samples: this.#samples,
      batch: batch.size,
      fixed: batch.fixed,
    };
    this.#control = new Int32Array(control);
    this.#onProgress = onProgress;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  /** Threads that work on the job. */
  get threads(): number {
    return this.#threads;
  }

  /** Whether a thread that joins now finds a batch to run. */
  get unclaimed(): boolean {
    return (
      Atomics.load(this.#control, STOP) === 0 &&
      Atomics.load(this.#control, NEXT_BATCH) * this.message.batch < this.#samples
    );
  }

  join(): void {
    this.#threads++;
  }

  receive(reply: Exclude<WorkerReply, { kind: 'ready' | 'broken' }>): void {
    switch (reply.kind) {
      case 'batch':
        this.#store(reply);
        return;
      case 'failed':
        // Batches are claimed in order and each claimed one is finished, so the first sample is the same in every run.
        if (this.#firstFailure === undefined || reply.place < this.#firstFailure.place) this.#firstFailure = reply;
        Atomics.store(this.#control, STOP, 1);
        return;
      case 'left':
        this.#threads--;
        if (this.#threads === 0) this.#finish();
    }
  }

  /** Stops the job: threads leave after their current batch. */
  abort(reason: unknown): void {
    Atomics.store(this.#control, STOP, 1);
    this.#reject(reason);
    if (this.#threads === 0) this.#leave();
  }

  /** For when threads are gone or told to go, and will not report. */
  abandon(reason: unknown): void {
    Atomics.store(this.#control, STOP, 1);
    this.#reject(reason);
    this.#leave();
  }

  #store({ first, classes, values }: Extract<WorkerReply, { kind: 'batch' }>): void {
    this.#logits ??= { values: new Float32Array(this.#samples * classes), samples: this.#samples, classes };
    if (this.#logits.classes !== classes) {
      this.abort(
        new RadinError('GRAPH', `Expected ${this.#logits.classes} classes in every batch but found ${classes}`),
      );
      return;
    }
    this.#logits.values.set(values, first * classes);
    this.#done += values.length / classes;
    this.#onProgress?.(this.#done);
  }

  #finish(): void {
    if (this.#firstFailure !== undefined) {
      const { message, place } = this.#firstFailure;
      const sample = this.message.order?.[place] ?? place;
      this.#reject(new RadinError('EVALUATION', `${message}, sample ${sample}`));
    } else if (this.#logits !== undefined && this.#done === this.#samples) {
      this.#resolve(this.#logits);
    }
    this.#leave();
  }
}
