import { type AverageRequest, type Backend, type FloatDtype, NaNError, type Source, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { dtypeBytes } from '../formats/index.js';
import {
  type Checkpoint,
  CONVERTED_BYTES,
  isAveraged,
  mustBeEqual,
  type Pool,
  type TensorSource,
  unequalTensor,
} from '../pool/index.js';
import { averageExactly } from './average-exactly.js';
import type { Mixture } from './mixture.js';
import type { SoupPart } from './soup-part.js';

/** A part's bytes of one model: memory, or a range of its file. */
interface Ingredient {
  readonly bytes: Source;
  /** For the errors of a file. */
  readonly file?: TensorSource;
}

/**
 * soup(p) = Σ p_k w_k (RADIN, Eq. 2) for several mixtures in one pass: each model that any of them uses is read once, straight
 * from its file, and each soup is written once into the caller's memory. The same bits as one by one.
 * @throws RadinError where a file cannot be read, a weight is NaN, or a tensor that has no average differs between ingredients;
 *   the signal's reason once it is aborted
 */
export async function averageSoups(
  pool: Pool,
  mixtures: readonly Mixture[],
  parts: readonly SoupPart[],
  backend: Backend,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  for (const part of parts.filter(({ tensor }) => !isAveraged(tensor))) {
    options.signal?.throwIfAborted();
    for (const [soup, mixture] of mixtures.entries())
      await copyPart(pool, mixture, part, part.outputs[soup] as Uint8Array);
  }
  const used = [...pool.checkpoints.keys()].filter((k) => mixtures.some(({ weights }) => (weights[k] as number) > 0));
  const models = used.map((k) => pool.checkpoints[k] as Checkpoint);
  const isComputed = ({ tensor }: SoupPart) => models.some((model) => model.exact?.(tensor.name) !== undefined);
  const computed = new Set(parts.filter((part) => isAveraged(part.tensor) && isComputed(part)));
  for (const part of computed) await averageExactly(models, part, coefficients(mixtures, used), backend, options);
  const inFiles: SoupPart[] = [];
  const converted: SoupPart[] = [];
  for (const part of parts.filter((part) => isAveraged(part.tensor) && !computed.has(part))) {
    const sources = await Promise.all(models.map((model) => model.source?.(part.tensor.name)));
    (sources.includes(undefined) ? converted : inFiles).push(part);
  }
  // What native code cannot read by itself is in memory for all models at once.
  for (const portion of [inFiles, ...portionsOf(converted, CONVERTED_BYTES / models.length)]) {
    options.signal?.throwIfAborted();
    await averageParts(models, portion, coefficients(mixtures, used), backend, options);
  }
}

/** @throws as `averageSoups` */
async function averageParts(
  models: readonly Checkpoint[],
  parts: readonly SoupPart[],
  factors: Pick<AverageRequest, 'weights' | 'divisors'>,
  backend: Backend,
  options: { signal?: AbortSignal },
): Promise<void> {
  const ingredients = await Promise.all(
    parts.map((part) => Promise.all(models.map((model) => ingredientOf(model, part)))),
  );
  const tensors = parts.map(({ tensor, outputs }, t) => ({
    dtype: tensor.dtype as FloatDtype,
    ingredients: (ingredients[t] as Ingredient[]).map(({ bytes }) => bytes),
    outputs,
  }));
  try {
    await backend.average({ ...factors, refuseNaN: true, tensors }, options);
  } catch (error) {
    throw named(error, parts, models, ingredients);
  }
}

/** Parts, or pieces of them, of so many bytes together at most, and of one element at least. */
function* portionsOf(parts: readonly SoupPart[], mostBytes: number): Generator<SoupPart[]> {
  let portion: SoupPart[] = [];
  let room = mostBytes;
  for (const { tensor, byteOffset, outputs } of parts) {
    const size = dtypeBytes(tensor.dtype);
    const byteLength = (outputs[0] as Uint8Array).byteLength;
    for (let at = 0; at < byteLength; ) {
      const fitting = Math.floor(Math.min(byteLength - at, room) / size) * size;
      if (fitting === 0 && portion.length > 0) {
        yield portion;
        portion = [];
        room = mostBytes;
        continue;
      }
      const end = at + Math.max(fitting, size);
      portion.push({ tensor, byteOffset: byteOffset + at, outputs: outputs.map((output) => output.subarray(at, end)) });
      room -= end - at;
      at = end;
    }
  }
  if (portion.length > 0) yield portion;
}

/**
 * Weights of exactly 1 and a divisor for uniform subsets: their sum is divided once, and exact halves stay exact halves.
 */
function coefficients(
  mixtures: readonly Mixture[],
  used: readonly number[],
): { weights: Float64Array; divisors: Float64Array } {
  const rows = mixtures.flatMap(({ weights, uniform }) =>
    used.map((k) => (uniform && (weights[k] as number) > 0 ? 1 : (weights[k] as number))),
  );
  const divisors = mixtures.map(({ uniform, size }) => (uniform ? size : 1));
  return { weights: Float64Array.from(rows), divisors: Float64Array.from(divisors) };
}

async function ingredientOf(model: Checkpoint, { tensor, byteOffset, outputs }: SoupPart): Promise<Ingredient> {
  const byteLength = outputs[0]?.byteLength as number;
  const file = await model.source?.(tensor.name);
  if (file !== undefined) {
    const { fd, offset } = file.range;
    return { bytes: { fd, offset: offset + byteOffset, byteLength }, file };
  }
  const bytes = new Uint8Array(byteLength);
  await model.read(tensor.name, bytes, byteOffset);
  return { bytes };
}

/** Copies a part of a tensor without an average from the first ingredient. */
async function copyPart(pool: Pool, mixture: Mixture, part: SoupPart, output: Uint8Array): Promise<void> {
  const { tensor, byteOffset } = part;
  const [first, ...others] = mixture.ingredientsOf(pool.checkpoints);
  await first?.read(tensor.name, output, byteOffset);
  if (!mustBeEqual(tensor)) return;
  const bytes = new Uint8Array(others.length > 0 ? output.byteLength : 0);
  for (const other of others) {
    await other.read(tensor.name, bytes, byteOffset);
    if (Buffer.compare(output, bytes) !== 0) throw unequalTensor(tensor, (first as Checkpoint).id, other.id);
  }
}

/** The user's error for one of the backend, whose sources count through parts × models. */
function named(
  error: unknown,
  parts: readonly SoupPart[],
  models: readonly Checkpoint[],
  ingredients: readonly (readonly Ingredient[])[],
): unknown {
  if (error instanceof SourceError) {
    const ingredient = ingredients[Math.floor(error.source / models.length)]?.[error.source % models.length];
    return ingredient?.file?.unreadable(error);
  }
  if (error instanceof NaNError) {
    const { tensor, byteOffset } = parts[error.tensor] as SoupPart;
    const element = byteOffset / dtypeBytes(tensor.dtype) + error.element;
    const { id } = models[error.ingredient] as Checkpoint;
    return (
      ingredients[error.tensor]?.[error.ingredient]?.file?.notFinite(element) ??
      new RadinError(
        'POOL',
        `Expected finite weights but found NaN in model ${quote(id)}, tensor ${quote(tensor.name)}, element ${element}`,
      )
    );
  }
  return error;
}
