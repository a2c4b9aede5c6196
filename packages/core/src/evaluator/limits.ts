import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** What one evaluation may take before it is given up. */
export interface EvaluationLimits {
  /**
   * Seconds for one batch; default: 600 for the first one, then 60 and 100 times as long as the median of the last batches.
   * Loading the graph always has 600.
   */
  readonly timeout?: number;
  /** Bytes of memory for the process that evaluates, on Linux; default: nine tenths of what this machine or container has. */
  readonly memory?: number;
}

export const START_MILLISECONDS = 600_000;
const LEAST_MILLISECONDS = 60_000;
const TIMES_THE_MEDIAN = 100;
/** Batches that the median is of. */
const REMEMBERED = 101;
const SHARE_OF_MEMORY = 0.9;

/** How long a batch may take, by how long batches took. */
export class BatchClock {
  readonly #timeout: number | undefined;
  readonly #last: number[] = [];
  #count = 0;

  constructor({ timeout }: EvaluationLimits) {
    this.#timeout = timeout && timeout * 1000;
  }

  add(milliseconds: number): void {
    if (this.#timeout === undefined) this.#last[this.#count++ % REMEMBERED] = milliseconds;
  }

  /** Milliseconds. */
  get limit(): number {
    if (this.#timeout !== undefined) return this.#timeout;
    if (this.#count === 0) return START_MILLISECONDS;
    const sorted = [...this.#last].sort((a, b) => a - b);
    return LEAST_MILLISECONDS + TIMES_THE_MEDIAN * (sorted[sorted.length >> 1] as number);
  }
}

export function memoryLimit({ memory }: EvaluationLimits): number {
  if (memory !== undefined) return memory;
  // 0 or more than there is: where nothing confines this process.
  const confined = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(SHARE_OF_MEMORY * Math.min(totalmem(), confined));
}

/** Bytes of memory that a process has; undefined where the system does not say: elsewhere than on Linux, or of one that is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
