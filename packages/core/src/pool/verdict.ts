import type { Warning } from './basin.js';

/** What was found of one model. */
export interface ModelFindings {
  /** Why it cannot be opened. */
  readonly unreadable: boolean;
  /** Whether NaN is among its weights. */
  readonly hasNaN: boolean;
  /** Whether it contradicts the other models or the graph. */
  readonly isOdd: boolean;
  /** The first model of the pool with equal weights, where that is another one. */
  readonly copyOf: string | undefined;
  readonly warning: Warning | undefined;
  /** Whether only headers were read. */
  readonly quick: boolean;
}

/** One model in a few words: the worst that was found of it. */
export function verdictOf({ unreadable, hasNaN, isOdd, copyOf, warning, quick }: ModelFindings): string {
  if (unreadable) return 'cannot be read';
  if (isOdd) return 'does not belong';
  if (hasNaN) return 'diverged';
  if (copyOf !== undefined) return `duplicate of ${copyOf}`;
  if (warning !== undefined) return warning.verdict;
  return quick ? 'ok by its header' : 'ok';
}
