import { setMaxListeners } from 'node:events';

/**
 * The results of tasks that only make sense together: when one fails, or the caller's signal is aborted, the others are
 * aborted and waited for before the failure is passed on. Each task is given the signal to stop by.
 */
export async function allOrNone<T, R>(
  items: readonly T[],
  task: (item: T, index: number, signal: AbortSignal) => Promise<R>,
  callerSignal: AbortSignal | undefined,
): Promise<R[]> {
  const failed = new AbortController();
  const signal = callerSignal === undefined ? failed.signal : AbortSignal.any([failed.signal, callerSignal]);
  // Every task listens; Node would take more than ten listeners for a leak.
  setMaxListeners(0, signal);
  const results = items.map((item, index) => task(item, index, signal));
  try {
    return await Promise.all(results);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(results);
    throw error;
  }
}
