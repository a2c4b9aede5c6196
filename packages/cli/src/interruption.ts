/**
 * What a user's Ctrl-C, or a request to end, asks for. The first one abandons the command and nothing is written, or, during a
 * task that can finish early, asks that task to finish with what is known. The second one ends the program at once.
 */
export class Interruption {
  readonly #abandon = new AbortController();
  readonly #finish = new AbortController();
  #finishable = 0;
  #outcome: string | undefined;

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

  /** Listens to the process's signals. */
  listen(): void {
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
    if (this.#finishable > 0) this.#finish.abort(reason);
    else this.#abandon.abort(reason);
  }
}
