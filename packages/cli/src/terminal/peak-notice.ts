import { formatBytes, type MemoryMeter } from '@radin/core';

/** In bytes. */
export interface PeakMemory extends Pick<MemoryMeter, 'peak'> {
  /** Whether the process that evaluates is counted; undefined where there is none, or it is not always there. */
  readonly isOfAll?: boolean;
  /** Undefined where it is not known: that of programs, which evaluate, is not. */
  readonly predicted?: number | undefined;
  readonly allowed: number;
}

/** What a run with `--max-memory` has taken, beside what was predicted and allowed. */
export function peakNotice({ peak, isOfAll, predicted, allowed }: PeakMemory): string {
  const whole = `note: peak memory ${formatBytes(peak)}`;
  const told = predicted === undefined ? '' : ` predicted at most ${formatBytes(predicted)},`;
  return `${whole}${whose(isOfAll, predicted)},${told} allowed ${formatBytes(allowed)}`;
}

function whose(isOfAll: boolean | undefined, predicted: number | undefined): string {
  if (isOfAll === undefined) return '';
  if (predicted === undefined) return " without the evaluator's command";
  return isOfAll
    ? ' with the process that evaluates (what both share counts once)'
    : ' without the process that evaluates';
}
