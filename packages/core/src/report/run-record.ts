import type { Reused } from '../stage2/index.js';

/**
 * What a run tells of itself and not of its result: another run of the same inputs, options, seed and version may differ in it. So it is
 * printed and in no file of results, which are the same bytes then.
 */
export interface RunRecord {
  /** What averaged and scored; every backend gives the same bits. */
  readonly backend: string;
  /** What an earlier run had computed on the validation split. */
  readonly reused: Reused;
  /** Seconds per phase. */
  readonly timings: Readonly<Record<string, number>>;
  /** Passes over the inputs for BatchNorm, each through a part of the graph; none for soups that were remembered. */
  readonly batchNormPasses?: number;
}

/** The object of `--json`: that of the file of results, and what only this run can tell. */
export function printedReport(
  report: { readonly schema: string; readonly batchNorm?: object },
  { batchNormPasses: passes, ...record }: RunRecord,
): Readonly<Record<string, unknown>> {
  const { batchNorm } = report;
  return { ...report, ...(batchNorm && { batchNorm: { ...batchNorm, passes } }), ...record };
}

/** A line of what the cache spared, where it spared anything. */
export function reusedText({ reused: { models, evaluations } }: RunRecord): string[] {
  if (models + evaluations === 0) return [];
  return [`remembered from earlier runs: the logits of ${models} models, the evaluations of ${evaluations} soups`];
}
