import { MemoryMeter } from '@radin/core';
import { type PeakMemory, peakNotice } from '../terminal/peak-notice.js';
import type { Terminal } from '../terminal/terminal.js';

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
    terminal.notice(peakNotice({ peak: meter.peak, ...limits }));
    return result;
  } finally {
    meter.close();
  }
}
