import { MemoryMeter } from '@radin/core';
import { type PeakMemory, peakNotice } from '../terminal/peak-notice.js';
import type { Terminal } from '../terminal/terminal.js';

/** What a command with `--max-memory` takes at most: what its largest step does. In bytes. */
export class LargestStep {
  #predicted: number | undefined = 0;

  constructor(readonly allowed: number) {}

  /** Undefined where that of a step is not known. */
  get predicted(): number | undefined {
    return this.#predicted;
  }

  /** Counts a step. */
  readonly add = (peakMemory: number | undefined): void => {
    const before = this.#predicted;
    this.#predicted = before === undefined || peakMemory === undefined ? undefined : Math.max(before, peakMemory);
  };
}

/** Runs what keeps to `--max-memory`, and tells its peak when it has ended. @param run is given what is to be told of other processes */
export async function tellingPeak<T>(
  limits: Pick<PeakMemory, 'predicted' | 'allowed'> | undefined,
  terminal: Terminal,
  run: (meter?: MemoryMeter) => Promise<T>,
): Promise<T> {
  if (limits === undefined) return run();
  const meter = new MemoryMeter();
  try {
    const result = await run(meter);
    const { predicted, allowed } = limits;
    terminal.notice(peakNotice({ peak: meter.peak, predicted, allowed }));
    return result;
  } finally {
    meter.close();
  }
}
