/** The addon's backends behind the contract: checks, codes and coefficients around its raw functions. */

import { type AddonBinding, cudaLibrary, DTYPE_CODES, loadAddon, rawSources, runCall } from './addon.js';
import type {
  AverageRequest,
  Backend,
  Bank,
  BankRequest,
  CrossEntropy,
  CrossEntropyBank,
  CrossEntropyBankRequest,
  CrossEntropyRequest,
  Gram,
  GramRequest,
  Predicted,
  PredictRequest,
  RunOptions,
} from './backend.js';
import { checkAverage } from './check-average.js';
import { checkGram } from './check-gram.js';
import { NaNError } from './nan-error.js';
import { openNativeBank } from './native-bank.js';
import { crossEntropy, openCrossEntropyBank } from './native-cross-entropy.js';
import { checkPredict, emptyPredicted } from './reference-predict.js';
import { checkOptions } from './validate.js';

class NativeBackend implements Backend {
  readonly name: string;
  readonly #addon: AddonBinding;
  readonly #index: number;

  constructor(name: string, addon: AddonBinding, index: number) {
    this.name = name;
    this.#addon = addon;
    this.#index = index;
  }

  openBank(request: BankRequest, options: RunOptions = {}): Promise<Bank> {
    return openNativeBank(this.#addon, this.#index, request, options);
  }

  async average(request: AverageRequest, options: RunOptions = {}): Promise<void> {
    const { weights, divisors, tensors, refuseNaN, memoryLimit } = checkAverage(request);
    const run = checkOptions(options);
    const dtypes = Int32Array.from(tensors, ({ dtype }) => DTYPE_CODES[dtype]);
    const { arrays, ranges } = rawSources(tensors.flatMap(({ ingredients }) => ingredients));
    const outputs = tensors.flatMap((tensor) => tensor.outputs);
    const nan = await runCall(
      (state) =>
        this.#addon.average(
          this.#index,
          weights,
          divisors,
          dtypes,
          arrays,
          ranges,
          outputs,
          memoryLimit,
          refuseNaN ? 1 : 0,
          run.threads,
          state,
        ),
      run,
    );
    if (nan !== null) throw new NaNError(...nan);
  }

  async gram(request: GramRequest, options: RunOptions = {}): Promise<Gram> {
    const { models, groups, tensors, sources, memoryLimit } = checkGram(request);
    const run = checkOptions(options);
    const dtypes = Int32Array.from(tensors, ({ dtype }) => DTYPE_CODES[dtype]);
    const groupOf = Int32Array.from(tensors, ({ group }) => group);
    const { arrays, ranges } = rawSources(sources);
    const products = new Float64Array(groups * models * models);
    const notFinite = new Float64Array(tensors[0]?.reference === undefined ? models : models + 1);
    await runCall(
      (state) =>
        this.#addon.gram(
          this.#index,
          models,
          dtypes,
          groupOf,
          arrays,
          ranges,
          products,
          notFinite,
          memoryLimit,
          run.threads,
          state,
        ),
      run,
    );
    return { products, notFinite };
  }

  async predict(request: PredictRequest, options: RunOptions = {}): Promise<Predicted> {
    const { logits, classes } = checkPredict(request);
    const run = checkOptions(options);
    const result = emptyPredicted(logits.length / classes);
    await runCall(
      (state) => this.#addon.predict(this.#index, logits, classes, result.predicted, result.sums, run.threads, state),
      run,
    );
    return result;
  }

  crossEntropy(request: CrossEntropyRequest, options: RunOptions = {}): Promise<CrossEntropy> {
    return crossEntropy(this.#addon, this.#index, request, options);
  }

  openCrossEntropyBank(request: CrossEntropyBankRequest, options: RunOptions = {}): Promise<CrossEntropyBank> {
    return openCrossEntropyBank(this.#addon, this.#index, request, options);
  }
}

/**
 * The addon's backend of that name (`cuda`, `cpu-avx2`, …), or for `cpu` the fastest that this processor has.
 * @throws Error whose message says in one line why it cannot be used.
 */
export function openNativeBackend(name: string, path?: string): Backend {
  const addon = loadAddon(path);
  // Asking a driver takes time, which no other backend should pay for.
  const known = addon.backends(name === 'cuda' ? cudaLibrary() : null);
  let reason: string | undefined;
  for (let index = 0; index < known.length / 2; index++) {
    const found = known[2 * index] as string;
    if (found !== name && !found.startsWith(`${name}-`)) continue;
    const unavailable = known[2 * index + 1] as string;
    if (unavailable === '') return new NativeBackend(name, addon, index);
    reason ??= unavailable;
  }
  throw new Error(reason ?? 'this build has no kernels for it');
}
