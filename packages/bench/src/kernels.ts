import { availableParallelism } from 'node:os';
import { type AverageRequest, type Backend, listBackends, openBackend, type ScoreRequest } from '@radin/native';
import { interleave, type Timing } from './interleave.js';

const ROUNDS = 5;

/** N = 13, as in the paper. */
const MODELS = 13;

export interface KernelResult {
  readonly kernel: string;
  readonly sizes: string;
  readonly timings: readonly Timing[];
}

/** Both kernels on every backend that is available here, one thread and all cores, on the same arrays. */
export async function benchmarkKernels(): Promise<KernelResult[]> {
  const average = averageRequest(2 ** 22);
  const score = scoreRequest(2000, 100, 200);
  const threadCounts = [...new Set([1, availableParallelism()])];
  const contenders = (call: (backend: Backend, threads: number) => Promise<unknown>) =>
    listBackends()
      .filter(({ name }) => !name.startsWith('cpu-'))
      .filter(({ available }) => available)
      .flatMap(({ name }) => {
        const backend = openBackend(name);
        // The reference runs on the calling thread whatever it is told.
        return (name === 'reference' ? [1] : threadCounts).map((threads) => ({
          name: `${name}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
          run: async () => void (await call(backend, threads)),
        }));
      });
  return [
    {
      kernel: 'average',
      sizes: `${MODELS} models of ${2 ** 22} float32`,
      timings: await interleave(
        contenders((backend, threads) => backend.average(average, { threads })),
        ROUNDS,
      ),
    },
    {
      kernel: 'score',
      sizes: `200 subsets of ${MODELS} models, 2000 samples, 100 classes`,
      timings: await interleave(
        contenders((backend, threads) => backend.score(score, { threads })),
        ROUNDS,
      ),
    },
  ];
}

function averageRequest(elements: number): AverageRequest {
  const ingredients = Array.from({ length: MODELS }, (_, model) => bytesOf(numbers(elements, model)));
  const output = new Uint8Array(4 * elements);
  return {
    weights: new Float64Array(MODELS).fill(1),
    divisors: Float64Array.of(MODELS),
    tensors: [{ dtype: 'F32', ingredients, outputs: [output] }],
  };
}

function scoreRequest(samples: number, classes: number, subsets: number): ScoreRequest {
  const logits = Array.from({ length: MODELS }, (_, model) => numbers(samples * classes, model));
  const mixtures = new Float64Array(subsets * MODELS);
  for (let subset = 0; subset < subsets; subset++) {
    // The bits of subset + 2^7, spread by a multiplier: half of the models, a different half each time.
    const bits = Math.imul(subset + 128, 0x9e3779b1) >>> (32 - MODELS);
    for (let model = 0; model < MODELS; model++) mixtures[subset * MODELS + model] = (bits >>> model) & 1;
    mixtures[subset * MODELS] = 1;
  }
  const labels = Int32Array.from({ length: samples }, (_, sample) => sample % classes);
  return { logits, samples, classes, labels, mixtures, measure: { kind: 'top', k: 1 } };
}

/** A fixed sequence that looks random: the fractional parts of multiples of the golden ratio. */
function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => ((index * 0.6180339887498949 + seed * 0.37) % 1) - 0.5);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
