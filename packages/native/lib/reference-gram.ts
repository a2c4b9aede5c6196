/** Gram matrices as backend.ts states them, written to be read. */

import { FLOAT_BYTES, type Gram, type GramRequest, type RunOptions } from './backend.js';
import { checkGram } from './check-gram.js';
import { FLOAT_FORMATS, type FloatFormat } from './float-formats.js';
import { SourceReader } from './source-reader.js';
import { Turn } from './turn.js';
import { checkOptions } from './validate.js';

/** Elements whose sums are one term of the total: equal to kGramBlock in src/cpu/gram.cc. */
const GRAM_BLOCK = 16384;

/** Sums that a block's products are kept in, by the element's index modulo this: equal to kGramLanes in src/cpu/kernels/gram_kernels.h. */
const GRAM_LANES = 8;

const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127;

export async function gram(request: GramRequest, options: RunOptions = {}): Promise<Gram> {
  const { models, groups, tensors, sources } = checkGram(request);
  const turn = new Turn(checkOptions(options));
  const readers: SourceReader[] = [];
  for (const [i, source] of sources.entries()) readers.push(await SourceReader.open(source, i));
  const hasReference = tensors[0]?.reference !== undefined;
  const streams = models + (hasReference ? 1 : 0);
  const products = new Float64Array(groups * models * models);
  const notFinite = new Float64Array(streams);
  for (const [t, { dtype, group, models: own }] of tensors.entries()) {
    const total = products.subarray(group * models * models, (group + 1) * models * models);
    const bytes = own[0]?.byteLength as number;
    for (let begin = 0; begin < bytes; begin += GRAM_BLOCK * FLOAT_BYTES[dtype]) {
      const end = Math.min(begin + GRAM_BLOCK * FLOAT_BYTES[dtype], bytes);
      const block: DataView[] = [];
      for (const reader of readers.slice(t * streams, (t + 1) * streams)) {
        const array = await reader.read(begin, end);
        block.push(new DataView(array.buffer, array.byteOffset, array.byteLength));
      }
      const differences = await differencesOf(block, FLOAT_FORMATS[dtype], FLOAT_BYTES[dtype], models, notFinite, turn);
      await addProducts(differences, total, turn);
    }
  }
  for (const reader of readers) await reader.finish();
  return { products, notFinite };
}

/** w_k − r of a block, for each model; counts the weights that are not finite. */
async function differencesOf(
  block: readonly DataView[],
  format: FloatFormat,
  bytes: number,
  models: number,
  notFinite: Float64Array,
  turn: Turn,
): Promise<Float64Array[]> {
  const elements = (block[0] as DataView).byteLength / bytes;
  const differences = Array.from({ length: models }, () => new Float64Array(elements));
  for (let i = 0; i < elements; i++) {
    const values = block.map((view) => format.read(view, i * bytes));
    for (const [s, value] of values.entries()) {
      if (!Number.isFinite(value)) notFinite[s] = (notFinite[s] as number) + 1;
    }
    const reference = block.length > models ? (values[models] as number) : meanOf(values.filter(Number.isFinite));
    for (const [k, difference] of differences.entries()) {
      const value = values[k] as number;
      const isLeftOut = !Number.isFinite(value) || (block.length > models && !Number.isFinite(reference));
      difference[i] = isLeftOut ? 0 : withinFloat32(Math.fround(value - reference));
    }
    if (i % 256 === 0 && turn.isOver()) await turn.next();
  }
  return differences;
}

function meanOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function withinFloat32(value: number): number {
  return Math.min(Math.max(value, -LARGEST_FLOAT), LARGEST_FLOAT);
}

/** Adds the inner products of a block's differences to those of its group, [N, N]. */
async function addProducts(differences: readonly Float64Array[], total: Float64Array, turn: Turn): Promise<void> {
  const models = differences.length;
  for (const [i, row] of differences.entries()) {
    for (let j = 0; j <= i; j++) {
      const sum = innerProduct(row, differences[j] as Float64Array);
      total[i * models + j] = (total[i * models + j] as number) + sum;
      total[j * models + i] = total[i * models + j] as number;
      if (turn.isOver()) await turn.next();
    }
  }
}

function innerProduct(a: Float64Array, b: Float64Array): number {
  const lanes = new Float64Array(GRAM_LANES);
  for (let i = 0; i < a.length; i++) {
    const lane = i % GRAM_LANES;
    lanes[lane] = (lanes[lane] as number) + (a[i] as number) * (b[i] as number);
  }
  const [s0, s1, s2, s3, s4, s5, s6, s7] = lanes as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return s0 + s4 + (s2 + s6) + (s1 + s5 + (s3 + s7));
}
