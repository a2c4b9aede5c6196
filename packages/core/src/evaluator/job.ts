import { quote, RadinError } from '../errors/index.js';
import type { Logits } from '../logits/index.js';
import type { Loss } from './evaluation-process.js';
import { LostEvaluation } from './lost-evaluation.js';
import type { JobReply, JobRequest } from './protocol.js';

type Failure = Extract<JobReply, { kind: 'failed' }>;

/** One model over one data set while it is evaluated: collects the batches of all threads that work on it. */
export class Job {
  /** The logits; rejects when the job fails or is aborted, while threads may still be inside a batch. */
  readonly result: Promise<Logits>;
  /** Settles when no thread works on the job any more. */
  readonly left: Promise<void>;
  /** Whether the process that it was in ended in the middle of it, perhaps because of it. */
  suspect = false;
  /** Whether the process has it. */
  sent = false;
  readonly #request: Omit<JobRequest, 'inputs' | 'batches'>;
  readonly #where: string;
  readonly #onProgress: ((samples: number) => void) | undefined;
  readonly #received = new Set<number>();
  #resolve!: (logits: Logits) => void;
  #reject!: (reason: unknown) => void;
  #leave!: () => void;
  #settled = false;
  #done = 0;
  #logits: Logits | undefined;
  #firstFailure: Failure | undefined;

  /** @param where names model and inputs in errors */
  constructor(
    request: Omit<JobRequest, 'inputs' | 'batches'>,
    where: string,
    onProgress: ((samples: number) => void) | undefined,
  ) {
    this.#request = request;
    this.#where = where;
    this.#onProgress = onProgress;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.left = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  get id(): number {
    return this.#request.id;
  }

  /** Whether its result is known, or not wanted any more. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Whether all batches are here, though its threads may not have left it. */
  get complete(): boolean {
    return this.#logits !== undefined && this.#done === this.#request.samples;
  }

  /** For a process that is to run what is missing. @param inputs the id of the inputs there */
  request(inputs: number): JobRequest {
    const { samples, batch } = this.#request;
    // A batch that failed is among the missing ones, and those before it: the first failure will be the same.
    this.#firstFailure = undefined;
    const all = Math.ceil(samples / batch);
    const missing = Array.from({ length: all }, (_, index) => index).filter((index) => !this.#received.has(index));
    return { ...this.#request, inputs, batches: missing.length === all ? undefined : Uint32Array.from(missing) };
  }

  receive(reply: JobReply): void {
    switch (reply.kind) {
      case 'batch':
        this.#store(reply);
        return;
      case 'failed':
        if (this.#firstFailure === undefined || (reply.place ?? -1) < (this.#firstFailure.place ?? -1)) {
          this.#firstFailure = reply;
        }
        return;
      case 'left':
        this.#finish();
    }
  }

  /** Gives the job up; it is left when its threads are. */
  abort(reason: unknown): void {
    this.#settled = true;
    this.#reject(reason);
  }

  /** For when its threads are gone, or it never had any. */
  leave(): void {
    this.#leave();
  }

  /**
   * Gives the job up because its process does not survive it: the evaluation is lost, unless the machine refused what any would need, which
   * another run may get. @param place of the first sample in the batch that it was in
   */
  fail({ expected, found, isMachineFault }: Omit<Loss, 'suspects'>, place: number | undefined): void {
    const sample = place === undefined ? '' : `, in the batch that begins with sample ${this.#sample(place)}`;
    const message = `Expected ${expected} but found ${found}, twice${sample} (${this.#where})`;
    this.abort(isMachineFault ? new RadinError('EVALUATION', message) : new LostEvaluation(message));
  }

  #store({ first, classes, values }: Extract<JobReply, { kind: 'batch' }>): void {
    if (this.#settled || this.#received.has(first / this.#request.batch)) return;
    const { samples, batch } = this.#request;
    this.#logits ??= { values: new Float32Array(samples * classes), samples, classes };
    if (this.#logits.classes !== classes) {
      const message = `Expected ${this.#logits.classes} classes in every batch but found ${classes}`;
      this.abort(this.#error('GRAPH', message));
      return;
    }
    this.#logits.values.set(values, first * classes);
    this.#received.add(first / batch);
    this.#done += values.length / classes;
    this.#onProgress?.(this.#done);
  }

  #finish(): void {
    if (this.#firstFailure !== undefined) {
      const { code, message, place } = this.#firstFailure;
      this.abort(this.#error(code, place === undefined ? message : `${message}, sample ${this.#sample(place)}`));
    } else if (this.#logits !== undefined && this.complete) {
      this.#settled = true;
      this.#resolve(this.#logits);
    }
    this.#leave();
  }

  #sample(place: number): number {
    return this.#request.order?.[place] ?? place;
  }

  #error(code: RadinError['code'], message: string): RadinError {
    return new RadinError(code, `${message} (${this.#where})`);
  }
}

/** How errors name what is evaluated. */
export function placeOf(model: { readonly id: string }, inputs: { readonly path: string }): string {
  return `model ${quote(model.id)}, inputs ${inputs.path}`;
}
