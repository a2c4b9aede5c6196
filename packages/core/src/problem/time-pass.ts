import { Mixture } from '../mixture/index.js';
import type { SplitScorer } from '../stage2/index.js';

/** Batches for each thread that are timed, after one that warms up. */
const BATCHES = 4;

/** How long a full evaluation takes, by what a part of one took. */
export interface TimedPass {
  /** Of one model on all samples, with reading its weights. */
  readonly seconds: number;
  /** Samples that were evaluated to tell. */
  readonly samples: number;
}

/** Evaluates the first model on some batches and extrapolates to all samples. @throws RadinError as an evaluation does */
export async function timePass(scorer: SplitScorer, threads: number, signal: AbortSignal): Promise<TimedPass> {
  const { samples, batch, poolSize } = scorer;
  const start = performance.now();
  const model = await scorer.openSoup(Mixture.uniform(poolSize, [0]), signal);
  try {
    const loading = secondsSince(start);
    const part = Math.min(samples, batch * threads * BATCHES);
    await model.logits(range(Math.min(samples, batch)), { signal });
    const begin = performance.now();
    await model.logits(range(part), { signal });
    return { seconds: loading + (secondsSince(begin) / part) * samples, samples: part };
  } finally {
    await model.close();
  }
}

function range(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, sample) => sample);
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
