/** What a run of the benchmark found: the JSON file, from which every table is made. */

export type Side = 'limit' | 'ours' | 'peer';

/** One contender on one number of threads. */
export interface Row {
  readonly name: string;
  readonly side: Side;
  readonly threads: number;
  /** Part of the work that each run did, in (0, 1]: the outer loop of slow contenders is run in part, and scaled. */
  readonly share: number;
  /** Of each counted run, in their order, as measured, not scaled. */
  readonly seconds: readonly number[];
}

export interface ExperimentResult {
  readonly id: string;
  readonly title: string;
  /** The contenders' data, in words. */
  readonly data: string;
  /** What the limit reads and writes once. */
  readonly bytes: { readonly read: number; readonly write: number };
  readonly rows: readonly Row[];
  /** What was left out and which results differed. */
  readonly notices: readonly string[];
}

export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  readonly caches: readonly string[];
  readonly memoryBytes: number;
  readonly os: string;
  readonly node: string;
  readonly compiler: string;
  readonly backend: string;
  /** Python, numpy, torch, BLAS with its kernel; absent where there are no peers. */
  readonly peers?: Readonly<Record<string, string>>;
  /** The commit measured, with a + where the working copy had changes. */
  readonly commit: string;
}

export interface KernelsResult {
  readonly experiment: 'kernels';
  readonly size: string;
  readonly seed: number;
  readonly environment: Environment;
  readonly results: readonly ExperimentResult[];
}

/** Seconds of the whole work: median, fastest and slowest run. */
export function spread({ seconds, share }: Row): { median: number; fastest: number; slowest: number } {
  const sorted = [...seconds].sort((a, b) => a - b).map((value) => value / share);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number) => sorted[index] as number;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    fastest: at(0),
    slowest: at(sorted.length - 1),
  };
}

/** The smallest median among rows, over all numbers of threads; undefined where there are none. */
export function bestMedian(rows: readonly Row[]): number | undefined {
  return rows.length === 0 ? undefined : Math.min(...rows.map((row) => spread(row).median));
}
