import type { DataFolder } from './data/folder.js';
import { availableMemory, releaseMemory } from './environment.js';
import type { Contender, Effort } from './interleave.js';
import { interleave } from './interleave.js';
import type { Peers } from './peers.js';
import type { ExperimentResult, Side } from './result.js';

/** What every experiment is given. */
export interface Bench {
  readonly threadCounts: readonly number[];
  readonly effort: Effort;
  readonly seed: number;
  readonly folder: DataFolder;
  readonly peers: Peers | undefined;
}

export interface Experiment {
  readonly id: string;
  readonly title: string;
  readonly data: string;
  /** Bytes that this process and the peers' need together. */
  readonly memory: number;
  prepare(bench: Bench): Promise<Prepared>;
}

interface Prepared {
  readonly bytes: { readonly read: number; readonly write: number };
  readonly entrants: readonly Entrant[];
  /** Compares the answers of two entrants that do the same work. @returns how they differ, or undefined */
  differ(answer: Answer, expected: Answer): string | undefined;
  dispose(): void;
}

export type Answer = ArrayLike<number>;

/** Someone who does the experiment's work, on any number of threads. */
export interface Entrant {
  readonly name: string;
  readonly side: Side;
  readonly steps: number;
  run(threads: number, steps: number): Promise<number>;
  /** What it computes, on the same data or a fixed part of them; absent for the limit. */
  answer?(): Promise<Answer>;
}

/**
 * Prepares an experiment, compares the entrants' answers with those of our first, and times them. What cannot be done is
 * said in the result's notices.
 */
export async function runExperiment(experiment: Experiment, bench: Bench): Promise<ExperimentResult> {
  const { id, title, data, memory } = experiment;
  const notices: string[] = [];
  // What the experiment before this one needed.
  await bench.peers?.call({ call: 'drop' });
  releaseMemory();
  const available = availableMemory();
  if (memory > available) {
    const [needed, found] = [memory, available].map((bytes) => (bytes / 2 ** 30).toFixed(1));
    notices.push(`skipped: needs ${needed} GiB of memory but found ${found}`);
    return { id, title, data, bytes: { read: 0, write: 0 }, rows: [], notices };
  }
  let prepared: Prepared;
  try {
    prepared = await experiment.prepare(bench);
  } catch (error) {
    notices.push(`skipped: its data could not be made: ${(error as Error).message}`);
    return { id, title, data, bytes: { read: 0, write: 0 }, rows: [], notices };
  }
  try {
    notices.push(...(await differences(prepared)));
    const contenders = prepared.entrants.flatMap(({ name, side, steps, run }) =>
      bench.threadCounts.map(
        (threads): Contender => ({ name, side, threads, steps, run: (count) => run(threads, count) }),
      ),
    );
    const rows = await interleave(contenders, bench.effort, ({ name, threads }, { message }) =>
      notices.push(`${name}, threads: ${threads}: left out, it failed: ${message}`),
    );
    return { id, title, data, bytes: prepared.bytes, rows, notices };
  } finally {
    prepared.dispose();
  }
}

async function differences({ entrants, differ }: Prepared): Promise<string[]> {
  const found: string[] = [];
  let expected: Answer | undefined;
  for (const { name, answer } of entrants) {
    if (answer === undefined) continue;
    try {
      const values = await answer();
      expected ??= values;
      const difference = differ(values, expected);
      if (difference !== undefined) found.push(`${name}: ${difference}`);
    } catch (error) {
      found.push(`${name}: its answer could not be compared: ${(error as Error).message}`);
    }
  }
  return found;
}
