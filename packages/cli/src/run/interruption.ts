/** Within these milliseconds of the first request, what finishes early has to be finished; what has not is abandoned. */
const FINISH_WITHIN = 1400;
/** Within these the program ends, whatever it is in: 2 s are promised, and on a busy machine the end itself takes tenths of a second. */
const END_WITHIN = 1600;
/** The same where nothing is to be finished. Programs of an evaluator are given half a second. */
const END_ABANDONED_WITHIN = 1000;

/**
 * What a user's Ctrl-C, or a request to end, asks for. The first one abandons the command and nothing is written, or, during a
 * task that can finish early, asks that task to finish with what is known, for which it has 1.4 s. The second one ends the program at once.
 */
export class Interruption {
  readonly #abandon = new AbortController();
  readonly #finish = new AbortController();
  #finishable = 0;
  #outcome: string | undefined;
  #atDeadline: (() => void) | undefined;
  /** Whether the same command line goes on where it was interrupted. */
  resumable = false;

  /** Aborted where the command is to be abandoned. */
  get signal(): AbortSignal {
    return this.#abandon.signal;
  }

  /** What an interrupted command has to say for itself, if it finished. */
  get outcome(): string | undefined {
    return this.#outcome;
  }

  /** Runs a task that finishes early, with what is known, when its `stop` is aborted. */
  async finishable<T>(task: (stop: AbortSignal) => Promise<T>): Promise<T> {
    this.#finishable++;
    try {
      return await task(this.#finish.signal);
    } finally {
      this.#finishable--;
    }
  }

  /** To be said on standard error at the end. */
  finished(outcome: string): void {
    this.#outcome = outcome;
  }

  /** Listens to the process's signals. @param atDeadline ends the process, which did not end by itself */
  listen(atDeadline: () => void = () => {}): void {
    this.#atDeadline = atDeadline;
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => this.#receive(name));
  }

  #receive(name: NodeJS.Signals): void {
    if (this.#abandon.signal.aborted || this.#finish.signal.aborted) {
      // Asked twice: at once, as by a signal that nobody handles. A normal exit would wait for the threads; what cleans up at one, such
      // as an evaluator whose programs run, does so now.
      process.emit('exit', 1);
      process.removeAllListeners(name);
      process.kill(process.pid, name);
      return;
    }
    const reason = new Error('interrupted');
    const toFinish = this.#finishable > 0;
    setTimeout(() => this.#atDeadline?.(), toFinish ? END_WITHIN : END_ABANDONED_WITHIN).unref();
    if (toFinish) {
      setTimeout(() => this.#abandon.abort(reason), FINISH_WITHIN).unref();
      this.#finish.abort(reason);
    } else {
      this.#abandon.abort(reason);
    }
  }
}
