import { arch, cpus, platform } from 'node:os';
import { listBackends } from '@radin/native';
import { type CacheKey, cacheKey, type KeyParts, sha256 } from '../cache/index.js';
import { type Inputs, inputsSha256 } from '../data/index.js';
import { type Checkpoint, FileCheckpoint, type KnownContents } from '../pool/index.js';
import type { GraphPlan } from './graph-plan.js';
import { ONNXRUNTIME_VERSION } from './runtime-version.js';

/** To be raised with any change of ours after which the same weights and inputs may give logits of other bits. */
const VERSION = 1;

/** An evaluator on ONNX Runtime whose logits are remembered. */
interface GraphFacts {
  readonly plan: GraphPlan;
  batchOf(inputs: Inputs): number;
}

/** Another one, which knows what its logits depend on besides weights and inputs. */
interface OwnFacts {
  keyParts(inputs: Inputs): Promise<KeyParts>;
}

/**
 * Keys of logits. Besides weights, inputs and graph they hold what the last bits can depend on: the samples that share a run, the
 * version of ONNX Runtime, and the processor, for which it chooses its kernels. Threads and backends of ours change no bit.
 */
export class LogitsKeys {
  readonly #evaluator: GraphFacts | OwnFacts;
  #graph: Promise<string> | undefined;
  readonly #processor = [platform(), arch(), cpus()[0]?.model ?? 'unknown', ...instructionSets()];
  readonly #inputs = new Map<Inputs, Promise<string>>();

  constructor(
    evaluator: GraphFacts | OwnFacts,
    readonly contents: KnownContents,
  ) {
    this.#evaluator = evaluator;
  }

  /** All but the weights. Cost: hashes the inputs on the first call for them. */
  async run(inputs: Inputs): Promise<KeyParts> {
    const evaluator = this.#evaluator;
    if ('keyParts' in evaluator) {
      return { version: VERSION, ...(await evaluator.keyParts(inputs)), inputs: await this.inputsSha256(inputs) };
    }
    const { plan } = evaluator;
    this.#graph ??= sha256(plan.graph);
    return {
      version: VERSION,
      // As it is run, without the weights: these count by the models' hashes, which have names, dtypes and shapes too.
      graph: await this.#graph,
      output: plan.output,
      // Which weight goes where is told by names, unless they differ.
      ...(plan.weights.some(({ name, tensor }) => name !== tensor) && {
        names: plan.weights.map(({ name, tensor }) => [tensor, name]),
      }),
      inputs: await this.inputsSha256(inputs),
      ...(plan.task !== 'multi-class' && { task: plan.task, positions: inputs.positions ?? 0 }),
      batch: evaluator.batchOf(inputs),
      padded: plan.fixedBatch !== undefined,
      onnxruntime: ONNXRUNTIME_VERSION,
      processor: this.#processor,
    };
  }

  /** Undefined for models that are no files: soups are known by their ingredients. Cost: one read of the model on the first call. */
  async ofModel(
    model: Checkpoint,
    inputs: Inputs,
    options: { signal?: AbortSignal } = {},
  ): Promise<CacheKey | undefined> {
    if (!(model instanceof FileCheckpoint)) return undefined;
    const content = await this.contents.sha256(model, options);
    return cacheKey('logits', { ...(await this.run(inputs)), model: content });
  }

  /** `inputsSha256`, computed once for each. */
  inputsSha256(inputs: Inputs): Promise<string> {
    const known = this.#inputs.get(inputs) ?? inputsSha256(inputs);
    this.#inputs.set(inputs, known);
    return known;
  }
}

/** What the processor can do, as far as our own kernels ask: a model's name does not tell, and the runtime chooses its kernels by it. */
function instructionSets(): string[] {
  return listBackends().flatMap(({ name, available }) => (available && name.startsWith('cpu-') ? [name] : []));
}
