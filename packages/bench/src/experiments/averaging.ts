import { makeWeights, type NamedTensor, WEIGHT_BYTES, type WeightDtype, type WeightPool } from '../data/weights.js';
import type { Answer, Bench, Entrant, Experiment } from '../experiment.js';
import { timed } from '../interleave.js';
import { limitOf } from '../limit.js';
import { average, averageFiles } from '../ours.js';
import { peerEntrant } from '../peer-entrant.js';

export interface AveragingSize {
  readonly models: number;
  readonly tensors: readonly NamedTensor[];
}

/** Elements of an average that are compared. */
const COMPARED = 4001;

/** One average of all models, from memory to memory. */
export function averageInMemory(size: AveragingSize, dtype: WeightDtype): Experiment {
  const bytes = modelBytes(size, dtype);
  return {
    id: `average-${dtype.toLowerCase()}`,
    title: `One average, ${dtype}, in memory`,
    data: describeWeights(size, dtype),
    // Two pools, the outputs, and the peers' sums that come and go.
    memory: (2 * size.models + 8) * bytes,
    prepare: (bench) =>
      prepareAveraging(size, dtype, bench, ({ pool, output, all }) => [
        ours('average', bench, output, (threads) => average(pool, [all], [output], threads), dtype),
        ...peers(bench, output, dtype, [
          ['torch: state-dict loop', 'torch-state-dict'],
          ['torch: in place', 'torch-in-place'],
          // numpy knows no bfloat16 and multiplies no float16 with its BLAS.
          ...(dtype === 'F32' ? NUMPY_PEERS : []),
        ]),
      ]),
  };
}

const NUMPY_PEERS: readonly (readonly [string, string])[] = [
  ['numpy: loop', 'numpy-loop'],
  ['numpy: p @ W, contiguous pool', 'numpy-product'],
];

/** One average of all models, from files in the page cache to memory. */
export function averageFromFiles(size: AveragingSize): Experiment {
  const bytes = modelBytes(size, 'F32');
  return {
    id: 'average-files',
    title: 'One average, F32, from files in the page cache',
    data: describeWeights(size, 'F32'),
    // One pool, and files in two formats that stay in the page cache.
    memory: (3 * size.models + 8) * bytes,
    prepare: (bench) =>
      prepareAveraging(
        size,
        'F32',
        bench,
        ({ pool, files, output }) => [
          ours(
            'one pass over the files',
            bench,
            output,
            (threads) => averageFiles(files, pool, output, threads),
            'F32',
          ),
          ...peers(bench, output, 'F32', [['torch: torch.load + state-dict loop', 'torch-load-state-dict']]),
        ],
        { folder: bench.folder.path },
      ),
  };
}

/** Many averages of one pool: each leaves out one model. */
export function manyAverages(size: AveragingSize, soups: number): Experiment {
  const bytes = modelBytes(size, 'F32');
  return {
    id: 'average-many',
    title: `${soups} averages of one pool, F32, in memory`,
    data: describeWeights(size, 'F32'),
    memory: (2 * size.models + 3 * soups + 4) * bytes,
    prepare: (bench) =>
      prepareAveraging(
        size,
        'F32',
        bench,
        ({ pool, outputs, all }) => {
          const last = outputs[soups - 1] as Uint8Array;
          const subsets = outputs.map((_, s) => all.toSpliced(s % all.length, 1));
          const oneByOne = async (threads: number) => {
            for (const [s, output] of outputs.entries()) {
              await average(pool, [subsets[s] as number[]], [output], threads);
            }
          };
          return [
            ours('one pass', bench, last, (threads) => average(pool, subsets, outputs, threads), 'F32'),
            ours('one by one', bench, last, oneByOne, 'F32'),
            ...peers(bench, last, 'F32', [
              ['numpy: P @ W, contiguous pool', 'numpy-product'],
              ['torch: P @ W, contiguous pool', 'torch-product'],
            ]),
          ];
        },
        { soups },
      ),
  };
}

interface Data {
  readonly pool: WeightPool;
  readonly files: readonly string[];
  readonly outputs: readonly Uint8Array[];
  readonly output: Uint8Array;
  /** Indices of all models. */
  readonly all: readonly number[];
}

async function prepareAveraging(
  { models, tensors }: AveragingSize,
  dtype: WeightDtype,
  { folder, peers: process, seed }: Bench,
  entrants: (data: Data) => Entrant[],
  { soups = 1, folder: saved }: { readonly soups?: number; readonly folder?: string } = {},
) {
  const pool = makeWeights(models, tensors, dtype, seed);
  const files = folder.write('weights', pool.models);
  await process?.call({ call: 'load', kind: 'weights', files, dtype, tensors, soups, folder: saved ?? null });
  const outputs = Array.from({ length: soups }, () => new Uint8Array(pool.bytes));
  const all = [...pool.models.keys()];
  return {
    bytes: { read: models * pool.bytes, write: soups * pool.bytes },
    entrants: [
      limitOf(pool.models, outputs),
      ...entrants({ pool, files, outputs, output: outputs[0] as Uint8Array, all }),
    ],
    differ: (answer: Answer, expected: Answer) => differ(answer, expected, dtype),
    dispose: () => folder.clear(),
  };
}

function ours(
  name: string,
  { threadCounts }: Bench,
  output: Uint8Array,
  run: (threads: number) => Promise<void>,
  dtype: WeightDtype,
): Entrant {
  return {
    name: `radin: ${name}`,
    side: 'ours',
    steps: 1,
    run: (threads) => timed(() => run(threads))(1),
    answer: async () => {
      await run(threadCounts.at(-1) as number);
      return positions(output, dtype).map((position) => valueAt(output, dtype, position));
    },
  };
}

function peers(
  { peers: process }: Bench,
  output: Uint8Array,
  dtype: WeightDtype,
  tasks: readonly (readonly [string, string])[],
): Entrant[] {
  const question = { positions: positions(output, dtype) };
  return tasks.flatMap(([name, task]) => peerEntrant(process, name, task, 1, question));
}

function positions(output: Uint8Array, dtype: WeightDtype): number[] {
  const elements = output.length / WEIGHT_BYTES[dtype];
  return Array.from({ length: COMPARED }, (_, index) => Math.floor((index * (elements - 1)) / (COMPARED - 1)));
}

function valueAt(bytes: Uint8Array, dtype: WeightDtype, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + position * WEIGHT_BYTES[dtype], WEIGHT_BYTES[dtype]);
  if (dtype === 'F32') return view.getFloat32(0, true);
  const bits = view.getUint16(0, true);
  if (dtype === 'BF16') return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;
  const exponent = (bits >>> 10) & 31;
  const size = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** Peers round after each step: the error of K roundings, against the largest weight, in units of the dtype's precision. */
const PRECISION: Readonly<Record<WeightDtype, number>> = { F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 };

function differ(answer: Answer, expected: Answer, dtype: WeightDtype): string | undefined {
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = Array.from(answer).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))),
    0,
  );
  const within = answer.length === expected.length && error <= 16 * PRECISION[dtype] * largest;
  return within ? undefined : `its average differs by ${error.toPrecision(2)}`;
}

export function modelBytes({ tensors }: AveragingSize, dtype: WeightDtype): number {
  return tensors.reduce((sum, { elements }) => sum + elements, 0) * WEIGHT_BYTES[dtype];
}

export function describeWeights(size: AveragingSize, dtype: WeightDtype): string {
  const millions = (modelBytes(size, dtype) / WEIGHT_BYTES[dtype] / 1e6).toFixed(1);
  return `${size.models} models of ${millions} M parameters in ${size.tensors.length} tensors`;
}
