import type { FloatDtype } from '@radin/native';
import type { Inputs } from '../data/index.js';
import { quote, RadinError } from '../errors/index.js';
import { type GraphOptions, OnnxEvaluator, type OnnxEvaluatorOptions } from '../evaluator/index.js';
import {
  type BatchNorm,
  batchNorms,
  dtypeBytes,
  floatValues,
  MOMENTS,
  momentsGraph,
  type OnnxModel,
  writeFloats,
} from '../formats/index.js';
import type { Logits } from '../logits/index.js';
import { type Checkpoint, graphNames, type Pool } from '../pool/index.js';
import { WithStatistics } from './with-statistics.js';

/** Bytes of moments that are in memory at a time. */
const CHUNK_BYTES = 16 * 2 ** 20;

/** A normalisation whose statistics are tensors of the models. */
interface Layer extends BatchNorm {
  readonly meanTensor: string;
  readonly varianceTensor: string;
  readonly dtype: FloatDtype;
  readonly channels: number;
}

/**
 * Estimates the running statistics of BatchNorm layers anew, on given inputs. A soup's own are averages of those of its ingredients,
 * which are not the means and variances of what the averaged layers before them compute.
 *
 * Layers are done in their order: what a layer reads is computed with the new statistics of all layers before it. Mean and variance
 * are those of all elements of a channel over all samples, the variance the population's (divided by n). Then a pass in evaluation
 * mode over the same inputs normalises as one in training mode with all of them in one batch would.
 *
 * Cost: for each level of layers one pass over the inputs through the part of the graph before it, about half as many full passes as
 * there are levels.
 */
export class BatchNormEstimator {
  readonly #graph: OnnxModel;
  readonly #pool: Pool;
  readonly #inputs: Inputs;
  readonly #options: OnnxEvaluatorOptions;
  readonly #levels: readonly (readonly Layer[])[];
  #passes = 0;

  /** @throws RadinError where the graph has no BatchNorm whose statistics the models have, or one that cannot be estimated */
  constructor(graph: OnnxModel, pool: Pool, inputs: Inputs, options: OnnxEvaluatorOptions = {}) {
    this.#graph = graph;
    this.#pool = pool;
    this.#inputs = inputs;
    this.#options = options;
    this.#levels = levelsOf(graph, pool, options);
  }

  /** Number of layers whose statistics are estimated. */
  get layers(): number {
    return this.#levels.flat().length;
  }

  /** The tensors that are estimated. */
  get tensors(): ReadonlySet<string> {
    return new Set(this.#levels.flat().flatMap(({ meanTensor, varianceTensor }) => [meanTensor, varianceTensor]));
  }

  /** What they are estimated on. */
  get inputs(): Inputs {
    return this.#inputs;
  }

  get samples(): number {
    return this.#inputs.shape[0] as number;
  }

  /** Closes the inputs. */
  close(): void {
    this.#inputs.close();
  }

  /** Passes over the inputs that were made so far, each through a part of the graph. */
  get passes(): number {
    return this.#passes;
  }

  /**
   * New statistics of a model of the pool's layout, as whole tensors.
   * @param onProgress called with the fraction done
   * @throws RadinError where what a layer reads is not finite; the signal's reason when aborted
   */
  async estimate(
    model: Checkpoint,
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: (fraction: number) => void } = {},
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const statistics = new Map<string, Uint8Array>();
    for (const [index, level] of this.#levels.entries()) {
      signal?.throwIfAborted();
      const moments = await this.#momentsOf(new WithStatistics(model, statistics), level, signal);
      let first = 0;
      for (const layer of level) {
        const { meanTensor, varianceTensor, channels } = layer;
        const mean = await readFloats(model, meanTensor, layer);
        const variance = new Float64Array(channels);
        const moment = (part: number, channel: number) => {
          const high = first + 2 * part * channels + channel;
          return (moments[high] as number) + (moments[high + channels] as number);
        };
        for (let channel = 0; channel < channels; channel++) {
          const shift = moment(0, channel);
          mean[channel] = (mean[channel] as number) + shift;
          variance[channel] = Math.max(0, moment(1, channel) - shift * shift);
        }
        statistics.set(meanTensor, floatBytes(mean, layer.dtype));
        statistics.set(varianceTensor, floatBytes(variance, layer.dtype));
        first += 4 * channels;
      }
      onProgress?.((index + 1) / this.#levels.length);
    }
    return statistics;
  }

  /** Means over all samples of what `momentsGraph` gives for each. */
  async #momentsOf(model: Checkpoint, level: readonly Layer[], signal: AbortSignal | undefined): Promise<Float64Array> {
    const { samples } = this;
    const graph = momentsGraph(this.#graph, level);
    const evaluator = await OnnxEvaluator.open(graph, this.#pool, { ...this.#options, output: MOMENTS });
    try {
      const loaded = await evaluator.open(model, this.#inputs, signal ? { signal } : {});
      const width = 4 * level.reduce((sum, { channels }) => sum + channels, 0);
      const sums = new Float64Array(width);
      const batch = evaluator.batchOf(this.#inputs);
      const chunk = batch * Math.max(1, Math.floor(CHUNK_BYTES / (width * Float32Array.BYTES_PER_ELEMENT * batch)));
      for (let first = 0; first < samples; first += chunk) {
        const part = Uint32Array.from({ length: Math.min(chunk, samples - first) }, (_, row) => first + row);
        addRows(sums, await loaded.logits(part, signal ? { signal } : {}));
      }
      await loaded.close();
      this.#passes++;
      return sums.map((sum) => sum / samples);
    } finally {
      await evaluator.dispose();
    }
  }
}

function addRows(sums: Float64Array, { values, classes }: Logits): void {
  for (const [at, value] of values.entries()) sums[at % classes] = (sums[at % classes] as number) + value;
}

function levelsOf(graph: OnnxModel, pool: Pool, { rename }: GraphOptions): Layer[][] {
  const names = graphNames(graph, pool.checkpoints, rename);
  const tensors = new Map(pool.tensors.map((tensor) => [names.of(tensor.name), tensor]));
  const levels: Layer[][] = [];
  const seen = new Set<string>();
  const all = batchNorms(graph);
  for (const layer of all) {
    const [mean, variance] = [tensors.get(layer.mean), tensors.get(layer.variance)];
    if (mean === undefined || variance === undefined) continue;
    if (seen.has(layer.mean) || seen.has(layer.variance)) {
      throw new RadinError(
        'GRAPH',
        `Expected running statistics of one BatchNorm each but found two that share ${quote(layer.mean)} in ${graph.path}`,
      );
    }
    seen.add(layer.mean).add(layer.variance);
    const found = { ...layer, meanTensor: mean.name, varianceTensor: variance.name, channels: mean.shape[0] ?? 1 };
    levels[layer.level] = [...(levels[layer.level] ?? []), { ...found, dtype: mean.dtype as FloatDtype }];
  }
  if (seen.size === 0) {
    const found =
      all.length === 0
        ? 'none (exporters fold BatchNorm into the layers before it)'
        : `${all.length} of which the models have none`;
    throw new RadinError(
      'GRAPH',
      `Expected BatchNormalization nodes whose running statistics are tensors of the models but found ${found} in ${graph.path}`,
    );
  }
  return levels.filter((level) => level !== undefined);
}

async function readFloats(model: Checkpoint, name: string, { dtype, channels }: Layer): Promise<Float64Array> {
  const bytes = new Uint8Array(channels * dtypeBytes(dtype));
  await model.read(name, bytes);
  return floatValues(bytes, dtype);
}

function floatBytes(values: Float64Array, dtype: FloatDtype): Uint8Array {
  const bytes = new Uint8Array(values.length * dtypeBytes(dtype));
  writeFloats(values, dtype, bytes);
  return bytes;
}
