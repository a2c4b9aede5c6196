import { createContext, Script } from 'node:vm';

const CALL = new Script('call()');

/**
 * Makes calls of a user's synchronous function that Ctrl-C can end: while one runs, no listener for signals can. The program hears of it
 * and then the call is made anew, so that the first Ctrl-C means what it always means, and the second one ends the program.
 */
export function interruptible<A extends unknown[], T>(called: (...values: A) => T): (...values: A) => T {
  const place: { call?: () => T } = {};
  const context = createContext(place);
  return (...values) => {
    place.call = () => called(...values);
    for (;;) {
      try {
        return CALL.runInContext(context, { breakOnSigint: true }) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
        process.emit('SIGINT', 'SIGINT');
      }
    }
  };
}
