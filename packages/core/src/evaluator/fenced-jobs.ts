import type { Inputs } from '../data/index.js';
import { RadinError } from '../errors/index.js';
import { EvaluationProcess, type Loss } from './evaluation-process.js';
import type { Job } from './job.js';
import { BatchClock, type EvaluationLimits } from './limits.js';
import type { MemoryMeter } from './memory-meter.js';
import type { JobReply, ProcessSetup } from './protocol.js';
import { ThreadRecord } from './thread-record.js';

/** Limits of evaluations, and who is told of the process's memory. */
type FenceOptions = EvaluationLimits & { readonly meter?: MemoryMeter };

/**
 * Jobs and the process that runs them. Where it ends by itself, or is ended because a batch takes too long or too much memory,
 * another one takes over: jobs that were under way go on with the batches that are missing. A job that may be the cause is run
 * by itself, and given up where that does not end well either.
 */
export class FencedJobs {
  readonly #setup: Omit<ProcessSetup, 'record'>;
  readonly #graphPath: string;
  readonly #limits: FenceOptions;
  readonly #record: ThreadRecord;
  readonly #clock: BatchClock;
  /** Under way, oldest first. */
  readonly #jobs = new Map<number, { readonly job: Job; readonly inputs: Inputs }>();
  /** Ids of inputs that the process knows. */
  #inputs = new Map<Inputs, number>();
  #process: EvaluationProcess | undefined;
  /** Whether the process takes jobs. */
  #isReady = false;
  #failure: unknown;

  private constructor(setup: Omit<ProcessSetup, 'record'>, graphPath: string, limits: FenceOptions) {
    this.#setup = setup;
    this.#graphPath = graphPath;
    this.#limits = limits;
    this.#record = new ThreadRecord(setup.threads);
    this.#clock = new BatchClock(limits);
  }

  /** @param graphPath names the graph in errors @throws as `EvaluationProcess.ready` */
  static async start(
    setup: Omit<ProcessSetup, 'record'>,
    graphPath: string,
    limits: FenceOptions,
  ): Promise<FencedJobs> {
    if (limits.memory !== undefined && process.platform !== 'linux') {
      throw new RadinError(
        'CONFIG',
        'Expected Linux for a limit on the memory of evaluations but found another system',
      );
    }
    const jobs = new FencedJobs(setup, graphPath, limits);
    try {
      await jobs.#startProcess();
      return jobs;
    } catch (error) {
      await jobs.end(error as Error);
      throw error;
    }
  }

  /** Adds a job, whose promises tell of its end. @throws where the process is gone for good */
  add(job: Job, inputs: Inputs): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#jobs.set(job.id, { job, inputs });
    this.#submit();
  }

  /** Gives a job up, whose threads leave it after their current batch. */
  abort(job: Job, reason: unknown): void {
    job.abort(reason);
    if (!this.#jobs.has(job.id)) return;
    if (job.sent) this.#process?.send({ kind: 'stop', job: job.id });
    else this.#leave(job);
  }

  async end(reason: Error): Promise<void> {
    this.#giveUp(reason);
    await this.#process?.end();
    this.#record.close();
  }

  /** Tries twice, as batches are, where the process ends before it takes jobs: that it does may be none of the graph's doing. */
  async #startProcess(): Promise<void> {
    try {
      await this.#tryToStart();
    } catch (error) {
      if (this.#process?.endedUnasked !== true || this.#failure !== undefined) throw error;
      await this.#tryToStart();
    }
  }

  async #tryToStart(): Promise<void> {
    this.#inputs = new Map();
    this.#process = new EvaluationProcess(this.#setup, this.#graphPath, this.#record, this.#clock, this.#limits, {
      reply: (reply) => this.#receive(reply),
      lost: (loss) => void this.#replace(loss),
    });
    await this.#process.ready;
    this.#isReady = true;
  }

  #receive(reply: JobReply): void {
    const job = this.#jobs.get(reply.job)?.job;
    job?.receive(reply);
    if (reply.kind !== 'left' || job === undefined) return;
    this.#jobs.delete(job.id);
    this.#submit();
  }

  /** Sends what the process may run now: a suspect is alone there. */
  #submit(): void {
    if (this.#process === undefined || !this.#isReady) return;
    const all = [...this.#jobs.values()];
    const suspects = all.filter(({ job }) => job.suspect);
    const wanted = suspects.length === 0 ? all : suspects.slice(0, 1);
    for (const { job, inputs } of wanted) {
      if (job.sent) continue;
      job.sent = true;
      this.#process.send({ kind: 'job', job: job.request(this.#idOf(inputs, this.#process)) });
    }
  }

  #idOf(inputs: Inputs, process: EvaluationProcess): number {
    const known = this.#inputs.get(inputs);
    if (known !== undefined) return known;
    const id = this.#inputs.size;
    this.#inputs.set(inputs, id);
    const arrays = inputs.all.map(({ name, dtype, shape, places }) => ({ name, dtype, shape, places }));
    process.send({ kind: 'inputs', inputs: { id, arrays, positions: inputs.positions } });
    return id;
  }

  async #replace(loss: Loss): Promise<void> {
    const { suspects } = loss;
    this.#isReady = false;
    const sent = [...this.#jobs.values()].flatMap(({ job }) => (job.sent ? [job] : []));
    const named = sent.filter(({ id }) => suspects.some(({ job }) => job === id));
    for (const job of sent) {
      // Nothing of it is left to run, so no other process would ever say that its threads have left it.
      if (job.complete) job.receive({ kind: 'left', job: job.id });
      if (!job.settled && (named.length === 0 || named.includes(job))) {
        if (job.suspect) job.fail(loss, suspects.find((state) => state.job === job.id)?.place);
        job.suspect = true;
      }
      job.sent = false;
      if (job.settled) this.#leave(job);
    }
    try {
      await this.#startProcess();
      this.#submit();
    } catch (error) {
      this.#giveUp(error);
      await this.#process?.end();
    }
  }

  #leave(job: Job): void {
    this.#jobs.delete(job.id);
    job.leave();
  }

  #giveUp(reason: unknown): void {
    this.#failure ??= reason;
    for (const { job } of this.#jobs.values()) {
      job.abort(reason);
      this.#leave(job);
    }
  }
}
