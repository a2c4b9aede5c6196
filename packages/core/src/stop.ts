/** A signal that is aborted as soon as one of them is. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): { readonly signal?: AbortSignal } {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length === 0 ? {} : { signal: AbortSignal.any(given) };
}

/** What `run` makes, or undefined where it ended because of `stop`. Any other failure is passed on. */
export async function unlessStopped<T>(stop: AbortSignal | undefined, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (stop?.aborted && error === stop.reason) return undefined;
    throw error;
  }
}
