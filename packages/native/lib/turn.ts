import { setImmediate } from 'node:timers/promises';

/** How long a call keeps the thread before it lets other events in, in milliseconds. */
const TURN_MILLISECONDS = 10;

/** A call's share of the thread that it runs on; `threads` has no meaning here. */
export class Turn {
  readonly #signal: AbortSignal | undefined;
  #end = performance.now() + TURN_MILLISECONDS;

  constructor(signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    this.#signal = signal;
  }

  isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets other events in. @throws the signal's reason, if it has been aborted. */
  async next(): Promise<void> {
    await setImmediate();
    this.#signal?.throwIfAborted();
    this.#end = performance.now() + TURN_MILLISECONDS;
  }
}
