import { availableParallelism } from 'node:os';
import { DataFolder } from './data/folder.js';
import { describeEnvironment } from './environment.js';
import { runExperiment } from './experiment.js';
import { experimentsOf } from './experiments/index.js';
import type { Effort } from './interleave.js';
import type { KernelsOptions } from './options.js';
import { Peers } from './peers.js';
import type { Environment, ExperimentResult, KernelsResult } from './result.js';

export interface KernelsEvents {
  onNotice(text: string): void;
  onEnvironment(environment: Environment): void;
  onResult(result: ExperimentResult): void;
}

/** Both kernels against the limit and the peers, each on one thread and on all cores. */
export async function benchmarkKernels(
  { size, quick, only, rounds, seed, peers: wanted }: KernelsOptions,
  { onNotice, onEnvironment, onResult }: KernelsEvents,
): Promise<KernelsResult> {
  const folder = new DataFolder();
  const peers = wanted ? await Peers.start(onNotice) : undefined;
  try {
    const environment = describeEnvironment(peers?.versions);
    onEnvironment(environment);
    const threadCounts = [...new Set([1, availableParallelism()])];
    const effort = effortOf(quick, rounds);
    const results: ExperimentResult[] = [];
    for (const experiment of experimentsOf(size)) {
      if (only !== undefined && !only.includes(experiment.id)) continue;
      const running = peers?.isRunning ? peers : undefined;
      const result = await runExperiment(experiment, { threadCounts, effort, seed, folder, peers: running });
      onResult(result);
      results.push(result);
    }
    return { experiment: 'kernels', size, seed, environment, results };
  } finally {
    await peers?.stop();
    folder.dispose();
  }
}

function effortOf(quick: boolean, rounds: number): Effort {
  return quick ? { rounds, secondsPerRun: 0.15, secondsInAll: 0.3 } : { rounds, secondsPerRun: 2, secondsInAll: 8 };
}
