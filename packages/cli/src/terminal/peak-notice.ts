import { formatBytes, type MemoryMeter } from '@radin/core';

/** In bytes. */
interface PeakMemory extends Pick<MemoryMeter, 'peak' | 'isOfAll'> {
  /** Undefined where a program evaluates, of whose memory nothing is known. */
  readonly predicted: number | undefined;
  readonly allowed: number;
}

/** What a run with `--max-memory` has taken, beside what was predicted and allowed. */
export function peakNotice({ peak, isOfAll, predicted, allowed }: PeakMemory): string {
  if (predicted === undefined) {
    return `note: peak memory ${formatBytes(peak)} without the evaluator's command, allowed ${formatBytes(allowed)}`;
  }
  const which = isOfAll
    ? 'with the process that evaluates (what both share counts once)'
    : 'without the process that evaluates';
  return `note: peak memory ${formatBytes(peak)} ${which}, predicted at most ${formatBytes(predicted)}, allowed ${formatBytes(allowed)}`;
}
