import { type Backend, type FloatDtype, type Gram, type GramTensor, type Source, SourceError } from '@radin/native';
import { dtypeBytes, type TensorInfo } from '../formats/index.js';
import { type Checkpoint, CONVERTED_BYTES, type TensorSource } from './checkpoint.js';
import { isAveraged } from './exact-tensors.js';
import { type LayerGroups, layerGroups } from './layer-groups.js';
import { WeightGeometry } from './weight-geometry.js';

/** What one pass over the weights of a pool says about where its models lie. */
export interface PoolGeometry {
  readonly ids: readonly string[];
  /** Over all tensors that a soup averages. */
  readonly whole: WeightGeometry;
  /** The same for each group of layers, named as `layerGroups` says. */
  readonly groups: readonly { readonly name: string; readonly geometry: WeightGeometry }[];
  /** Of each model, how many weights are NaN or infinite; 0 for all in a sound pool, but for masks. */
  readonly notFinite: readonly number[];
}

export interface MeasureOptions {
  readonly signal?: AbortSignal;
  readonly threads?: number;
  /** The model that all were fine-tuned from, w_init, with the tensors of the pool. */
  readonly start?: Checkpoint;
  /** Tensors that are left out: those of which soups have no average. */
  readonly without?: ReadonlySet<string>;
  /** Told now and then which fraction is done. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Reads the averaged tensors of all models once and keeps their inner products: N² numbers per group of layers. Takes about twice as long as averaging
 * all models from the same files. Models with weights that are not finite do not disturb what is said of the others.
 * @param checkpoints of one layout, as those of a `Pool`
 * @throws RadinError where a file cannot be read; the signal's reason once it is aborted
 */
export async function measureGeometry(
  checkpoints: readonly Checkpoint[],
  backend: Backend,
  options: MeasureOptions = {},
): Promise<PoolGeometry> {
  const models = options.start === undefined ? checkpoints : [...checkpoints, options.start];
  const { without } = options;
  const tensors = (checkpoints[0]?.tensors ?? []).filter((tensor) => isAveraged(tensor) && !without?.has(tensor.name));
  const groups = layerGroups(tensors.map(({ name }) => name));
  const gram = await gramOf(models, checkpoints.length, tensors, groups, backend, options);
  const size = checkpoints.length ** 2;
  const usable = usableModels(gram.notFinite.subarray(0, checkpoints.length));
  const shared = { usable, isStart: options.start !== undefined };
  const products = groups.names.map((_, g) => gram.products.slice(g * size, (g + 1) * size));
  const sum = new Float64Array(size);
  for (const one of products) for (let i = 0; i < size; i++) sum[i] = (sum[i] as number) + (one[i] as number);
  return {
    ids: checkpoints.map(({ id }) => id),
    whole: new WeightGeometry(sum, shared),
    groups: groups.names.map((name, g) => ({
      name,
      geometry: new WeightGeometry(products[g] as Float64Array, shared),
    })),
    notFinite: [...gram.notFinite.subarray(0, checkpoints.length)],
  };
}

/** The models that have no more weights that are not finite than any must have: masks are −∞ in all models. */
export function usableModels(notFinite: ArrayLike<number>): number[] {
  const counts = Array.from(notFinite);
  const fewest = Math.min(...counts);
  return [...counts.keys()].filter((k) => counts[k] === fewest);
}

/** One call for all tensors that are in files in all models; one for each piece of the others, so that only one is in memory. */
async function gramOf(
  models: readonly Checkpoint[],
  count: number,
  tensors: readonly TensorInfo[],
  { names, groupOf }: LayerGroups,
  backend: Backend,
  options: MeasureOptions,
): Promise<Gram> {
  const { signal, threads, onProgress } = options;
  const total: Gram = {
    products: new Float64Array(Math.max(names.length, 1) * count ** 2),
    notFinite: new Float64Array(models.length),
  };
  const portions = await portionsOf(models, tensors, groupOf);
  for (const [done, portion] of portions.entries()) {
    signal?.throwIfAborted();
    const sources = await Promise.all(portion.flatMap((piece) => models.map((model) => sourceOf(model, piece))));
    const request = portion.map(({ tensor: { dtype }, group }, at): GramTensor => {
      const own = sources.slice(at * models.length, (at + 1) * models.length).map(({ bytes }) => bytes);
      const tensor = { dtype: dtype as FloatDtype, group, models: own.slice(0, count) };
      return options.start === undefined ? tensor : { ...tensor, reference: own[count] as Source };
    });
    const call = backend.gram(
      { models: count, groups: Math.max(names.length, 1), tensors: request },
      {
        ...(signal && { signal }),
        ...(threads && { threads }),
        ...(onProgress && { onProgress: (fraction) => onProgress((done + fraction) / portions.length) }),
      },
    );
    const gram = await call.catch((error: unknown) => {
      throw error instanceof SourceError ? (sources[error.source]?.file?.unreadable(error) ?? error) : error;
    });
    addTo(total.products, gram.products);
    addTo(total.notFinite, gram.notFinite);
  }
  return total;
}

/** A tensor, or the bytes of one from `begin` to `end`. */
interface Piece {
  readonly tensor: TensorInfo;
  readonly group: number;
  readonly begin: number;
  readonly end: number;
}

async function portionsOf(
  models: readonly Checkpoint[],
  tensors: readonly TensorInfo[],
  groupOf: LayerGroups['groupOf'],
): Promise<Piece[][]> {
  const inFiles: Piece[] = [];
  const converted: Piece[][] = [];
  for (const [t, tensor] of tensors.entries()) {
    const { name, dtype, byteLength } = tensor;
    const whole = { tensor, group: groupOf[t] as number, begin: 0, end: byteLength };
    const sources = await Promise.all(models.map((model) => model.source?.(name)));
    if (!sources.includes(undefined)) {
      inFiles.push(whole);
      continue;
    }
    const size = dtypeBytes(dtype);
    const step = Math.max(1, Math.floor(CONVERTED_BYTES / models.length / size)) * size;
    for (let begin = 0; begin < byteLength; begin += step) {
      converted.push([{ ...whole, begin, end: Math.min(begin + step, byteLength) }]);
    }
  }
  return [...(inFiles.length > 0 ? [inFiles] : []), ...converted];
}

async function sourceOf(
  model: Checkpoint,
  { tensor: { name }, begin, end }: Piece,
): Promise<{ bytes: Source; file?: TensorSource }> {
  const file = await model.source?.(name);
  if (file !== undefined) {
    const { fd, offset } = file.range;
    return { bytes: { fd, offset: offset + begin, byteLength: end - begin }, file };
  }
  const bytes = new Uint8Array(end - begin);
  await model.read(name, bytes, begin);
  return { bytes };
}

function addTo(total: Float64Array, values: Float64Array): void {
  for (const [i, value] of values.entries()) total[i] = (total[i] as number) + value;
}
