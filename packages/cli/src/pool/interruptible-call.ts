import { createContext, Script } from 'node:vm';

const CALL = new Script('call()');
/** Milliseconds that calls have from the first Ctrl-C on: nothing else can end the program while one runs. */
const TIME_LEFT = 1200;

/** A call that had not ended when its time after Ctrl-C was over. */
export class CallInterrupted extends Error {}

/** When Ctrl-C was first pressed, by the steady clock. */
let asked: number | undefined;

function note(): void {
  asked ??= performance.now();
}

/**
 * Makes calls of a user's synchronous function that Ctrl-C can end: while one runs, no listener for signals can, and no timer. The program
 * hears of it and then the call is made anew, so that the first Ctrl-C means what it always means, and the second one ends the program.
 * @throws CallInterrupted where a call takes longer than until 1.2 s after the first
 */
export function interruptible<A extends unknown[], T>(called: (...values: A) => T): (...values: A) => T {
  const place: { call?: () => T } = {};
  const context = createContext(place);
  process.off('SIGINT', note).on('SIGINT', note);
  return (...values) => {
    place.call = () => called(...values);
    for (;;) {
      try {
        return CALL.runInContext(context, { breakOnSigint: true, ...timeLeft() }) as T;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException | null)?.code;
        if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new CallInterrupted('interrupted');
        if (code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
        process.emit('SIGINT', 'SIGINT');
      }
    }
  };
}

function timeLeft(): { readonly timeout?: number } {
  if (asked === undefined) return {};
  return { timeout: Math.max(1, Math.ceil(asked + TIME_LEFT - performance.now())) };
}
