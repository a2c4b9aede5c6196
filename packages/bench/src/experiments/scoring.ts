import { type LogitPool, makeLogits, makeSubsets } from '../data/logits.js';
import type { Answer, Bench, Entrant, Experiment } from '../experiment.js';
import { timed } from '../interleave.js';
import { limitOf } from '../limit.js';
import { countCorrect, crossEntropy, crossEntropyBounds } from '../ours.js';
import { peerEntrant } from '../peer-entrant.js';

export interface ScoringSize {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly candidates: number;
  /** Models of the pool that have learnt nothing. */
  readonly ruined?: number;
}

/** Certified bounds instead of values: their middles are compared. */
const BOUNDS = 'certified bounds';

/** Samples on which the entrants' answers are compared. */
const COMPARED = 128;

/** Accuracy of random subsets of the pool. */
export function accuracyOf(id: string, size: ScoringSize): Experiment {
  const { candidates, samples } = size;
  return {
    id,
    title: `Accuracy of ${candidates} mixtures`,
    data: describeLogits(size),
    memory: memoryOf(size),
    prepare: (bench) =>
      prepareScoring(
        size,
        bench,
        (pool, subsets) => [
          ours('bank + counts', pool, (count, threads) => countCorrect(pool, subsets, count, threads)),
          ...peers(bench, [
            ['torch: mean + argmax per candidate', 'torch-mean-argmax', candidates],
            ['torch: GEMM in blocks of 16 samples + argmax', 'torch-product-argmax-16', Math.ceil(samples / 16)],
            ['torch: GEMM in blocks of 4 samples + argmax', 'torch-product-argmax-4', Math.ceil(samples / 4)],
            ['numpy: GEMM in blocks of 4 samples + argmax', 'numpy-product-argmax-4', Math.ceil(samples / 4)],
            ['numpy: GEMM of each sample + argmax', 'numpy-product-argmax-1', samples],
          ]),
        ],
        countsDiffer,
      ),
  };
}

/** Cross-entropy of random subsets of the pool. */
export function crossEntropyOf(id: string, size: ScoringSize): Experiment {
  const { candidates, samples } = size;
  return {
    id,
    title: `Cross-entropy of ${candidates} mixtures`,
    data: describeLogits(size),
    memory: memoryOf(size),
    prepare: (bench) =>
      prepareScoring(
        size,
        bench,
        (pool, subsets) => [
          ours('every class of every mixture', pool, (count, threads) => crossEntropy(pool, subsets, count, threads)),
          ours(BOUNDS, pool, async (count, threads) => {
            const { lower, upper } = await crossEntropyBounds(pool, subsets, count, threads);
            return lower.map((value, s) => (value + (upper[s] as number)) / 2);
          }),
          ...peers(bench, [
            ['torch: mean + cross_entropy per candidate', 'torch-mean-loss', candidates],
            ['torch: GEMM in blocks of 16 samples + cross_entropy', 'torch-product-loss-16', Math.ceil(samples / 16)],
            ['torch: GEMM in blocks of 4 samples + cross_entropy', 'torch-product-loss-4', Math.ceil(samples / 4)],
          ]),
        ],
        lossesDiffer,
      ),
  };
}

async function prepareScoring(
  { models, samples, classes, candidates, ruined = 0 }: ScoringSize,
  { folder, peers: process, seed }: Bench,
  entrants: (pool: LogitPool, subsets: readonly (readonly number[])[]) => Entrant[],
  differ: (answer: Answer, expected: Answer) => string | undefined,
) {
  const pool = makeLogits(models, samples, classes, { seed, ruined });
  const subsets = makeSubsets(models, candidates, seed);
  if (process !== undefined) {
    const files = folder.write('logits', pool.logits);
    const [labels] = folder.write('labels', [pool.labels]);
    await process.call({ call: 'load', kind: 'logits', files, samples, classes, labels, subsets });
    folder.clear();
  }
  return {
    bytes: { read: 4 * models * samples * classes, write: 0 },
    entrants: [limitOf(pool.logits), ...entrants(pool, subsets)],
    differ,
    dispose: () => folder.clear(),
  };
}

/** Samples are the outer loop: a part of the work is all mixtures on the first samples. */
function ours(
  name: string,
  pool: LogitPool,
  score: (samples: number, threads: number) => Promise<Float64Array>,
): Entrant {
  return {
    name: `radin: ${name}`,
    side: 'ours',
    steps: pool.samples,
    run: (threads, steps) => timed((samples) => score(samples, threads))(steps),
    answer: () => score(Math.min(COMPARED, pool.samples), 1),
  };
}

function peers({ peers: process }: Bench, tasks: readonly (readonly [string, string, number])[]): Entrant[] {
  return tasks.flatMap(([name, task, steps]) => peerEntrant(process, name, task, steps, { samples: COMPARED }));
}

/** float32 sums of the peers can flip a sample whose two best classes are equal to 7 digits. */
function countsDiffer(answer: Answer, expected: Answer): string | undefined {
  const distance = largestDistance(answer, expected);
  return distance <= 1 ? undefined : `its counts of right samples differ by up to ${distance}`;
}

/** Sums of losses, of some hundred float32 numbers each; the middles of bounds are off by half their width. */
function lossesDiffer(answer: Answer, expected: Answer): string | undefined {
  const distance = largestDistance(answer, expected);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, value), 0);
  return distance <= 1e-3 * largest ? undefined : `its losses differ by up to ${distance.toPrecision(2)}`;
}

function largestDistance(answer: Answer, expected: Answer): number {
  if (answer.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Array.from(answer).reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0);
}

export function memoryOf({ models, samples, classes }: ScoringSize): number {
  // Two pools, the models' common part, the mean of a subset's copy, and the page cache.
  return 4 * samples * classes * (4 * models + 3);
}

export function describeLogits({ models, samples, classes, ruined }: ScoringSize): string {
  const pool = `${models} models × ${samples.toLocaleString('en')} samples × ${classes.toLocaleString('en')} classes`;
  return ruined === undefined ? pool : `${pool}, ${ruined} models ruined`;
}
