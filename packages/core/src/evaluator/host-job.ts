import { CONTROL_WORDS, type JobMessage, type JobRequest, NEXT_BATCH, STOP } from './protocol.js';

/** A job in the process whose threads work on it. */
export class HostJob {
  readonly message: JobMessage;
  /** Threads that work on it. */
  threads = 0;
  readonly #control: Int32Array;
  readonly #batches: number;

  constructor(request: JobRequest) {
    const control = new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT);
    this.message = { ...request, control };
    this.#control = new Int32Array(control);
    this.#batches = request.batches?.length ?? Math.ceil(request.samples / request.batch);
  }

  /** Whether a thread that joins now finds a batch to run. */
  get unclaimed(): boolean {
    return Atomics.load(this.#control, STOP) === 0 && Atomics.load(this.#control, NEXT_BATCH) < this.#batches;
  }

  /** Threads leave after their current batch. */
  stop(): void {
    Atomics.store(this.#control, STOP, 1);
  }
}
