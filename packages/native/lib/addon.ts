/** The C++ addon as it is: loading it, its raw functions, and one call's way from start to result or cancellation. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BankStatistics, FloatDtype, RunOptions, Source } from './backend.js';
import { NonFiniteLogitError } from './non-finite-logit-error.js';
import { SourceError } from './source-error.js';

/**
 * What src/napi exports. `backend` is an index into `backends()`; calls without one are the same for all. Every call ends with its state; its promise settles once
 * no thread works on it any more.
 */
export interface AddonBinding {
  readonly bindingVersion: number;
  /** Whether the host has OpenSSL's functions; without them `sha256` refuses. */
  readonly canHash: boolean;
  /**
   * Name and reason for being unavailable, or '', of one backend after the other. The first path that is given is where the
   * CUDA library is loaded from for the rest of the process; until then, with null, `cuda` is not looked for.
   */
  backends(cudaLibrary: string | null): string[];
  addProduct(
    values: Float64Array,
    first: number,
    left: Float64Array,
    right: Float64Array,
    rank: number,
    scale: number,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  average(
    backend: number,
    weights: Float64Array,
    divisors: Float64Array,
    dtypes: Int32Array,
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    outputs: readonly Uint8Array[],
    memoryLimit: number,
    findNaN: 0 | 1,
    threads: number,
    state: Int32Array,
  ): Promise<[tensor: number, model: number, element: number] | null>;
  bankOpen(
    backend: number,
    dtypes: Int32Array,
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    classes: number,
    labels: Int32Array,
    top: number,
    threads: number,
    state: Int32Array,
  ): Promise<RawBank>;
  bankCount(
    backend: number,
    bank: RawBank,
    coefficients: Float64Array,
    counts: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  bankCorrect(
    backend: number,
    bank: RawBank,
    coefficients: Float64Array,
    correct: Uint8Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  bankAllSubsets(
    backend: number,
    bank: RawBank,
    lambda: number,
    subsets: Uint32Array,
    correct: Float64Array,
    sizes: Float64Array,
    counts: Uint32Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  bankClose(bank: RawBank): void;
  crossEntropy(
    backend: number,
    dtypes: Int32Array,
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    classes: number,
    labels: Int32Array,
    coefficients: Float64Array,
    measure: number,
    results: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  openCrossEntropyBank(
    backend: number,
    dtypes: Int32Array,
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    classes: number,
    labels: Int32Array,
    ratio: number,
    figures: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<RawCrossEntropyBank | number>;
  crossEntropyBounds(
    backend: number,
    bank: RawCrossEntropyBank,
    coefficients: Float64Array,
    lower: Float64Array,
    upper: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  closeCrossEntropyBank(bank: RawCrossEntropyBank): void;
  endProcess(code: number): never;
  gram(
    backend: number,
    models: number,
    dtypes: Int32Array,
    groups: Int32Array,
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    products: Float64Array,
    notFinite: Float64Array,
    memoryLimit: number,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  lockFile(descriptor: number): number;
  predict(
    backend: number,
    logits: Float32Array,
    classes: number,
    predicted: Uint32Array,
    sums: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  sha256(
    arrays: readonly (Uint8Array | null)[],
    ranges: Float64Array,
    dtypes: Int32Array,
    digests: Uint8Array,
    firstNaN: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  stream(
    backend: number,
    read: readonly Uint8Array[],
    write: readonly Uint8Array[],
    threads: number,
    state: Int32Array,
  ): Promise<number>;
}

/** A bank as the addon hands it over: an object of its own kind, with the statistics as properties. */
export type RawBank = BankStatistics;
/** A pointer to a bank for cross-entropy, of which JavaScript sees nothing. */
export type RawCrossEntropyBank = { readonly __bank: never };

/** Equal to kBindingVersion in src/napi/addon.cc. */
const BINDING_VERSION = 11;

/** The codes of RadinDtype in src/kernels.h. */
export const DTYPE_CODES: Readonly<Record<FloatDtype, number>> = { F16: 0, BF16: 1, F32: 2, F64: 3 };

/** RadinState in src/kernels.h. */
const QUEUED = 0;
const CANCELLED = 2;

/** Kernels store progress in units of this. */
const PROGRESS_UNITS = 1e6;
const PROGRESS_MILLISECONDS = 100;

/**
 * The addon that was built with this package, or another build of it that the environment variable RADIN_NATIVE_ADDON
 * names, such as one with a sanitizer. Whoever can set it chooses code that this process runs, as with NODE_OPTIONS.
 */
export const ADDON_PATH =
  process.env.RADIN_NATIVE_ADDON || fileURLToPath(new URL('../build/Release/radin_native.node', import.meta.url));

/**
 * Where the CUDA library is: beside the addon, or where the environment variable RADIN_CUDA_LIBRARY says. The latter is for
 * tests, which load `radin_cuda_on_host.so` of the same folder: the CUDA backend's logic with a device made of host memory.
 */
export function cudaLibrary(): string {
  return process.env.RADIN_CUDA_LIBRARY || join(dirname(ADDON_PATH), 'radin_cuda.so');
}

/** @throws Error whose message says in one line why the addon cannot be used. */
export function loadAddon(path = ADDON_PATH): AddonBinding {
  let addon: AddonBinding;
  try {
    addon = createRequire(import.meta.url)(path) as AddonBinding;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') {
      throw new Error('the addon has not been built, which needs cmake and a C++17 compiler (GCC or Clang)', {
        cause: error,
      });
    }
    throw new Error(`the addon cannot be loaded: ${message.split('\n', 1)[0]}`, { cause: error });
  }
  if (addon.bindingVersion !== BINDING_VERSION) {
    throw new Error(
      `the addon is of another build (binding ${addon.bindingVersion}, needed ${BINDING_VERSION}): build again`,
    );
  }
  return addon;
}

/** Sources as the addon takes them: arrays, null where a file stands, and [descriptor, offset, bytes] of each file. */
export function rawSources(sources: readonly Source[]): { arrays: (Uint8Array | null)[]; ranges: Float64Array } {
  const ranges = new Float64Array(3 * sources.length);
  const arrays = sources.map((source, index) => {
    if (source instanceof Uint8Array) return source;
    ranges.set([source.fd, source.offset, source.byteLength], 3 * index);
    return null;
  });
  return { arrays, ranges };
}

/**
 * Runs one call of the addon. A call that still waits for a thread when the signal aborts is rejected at once and never
 * runs; one that runs is rejected when its threads have stopped, so a rejected call writes nothing any more.
 * @param start starts the call with this state
 */
export async function runCall<T>(
  start: (state: Int32Array) => Promise<T>,
  { signal, onProgress }: Pick<RunOptions, 'signal' | 'onProgress'>,
): Promise<T> {
  signal?.throwIfAborted();
  const state = new Int32Array(2);
  const finished = start(state);
  const timer = onProgress && setInterval(() => onProgress(progressOf(state)), PROGRESS_MILLISECONDS);
  let cancel = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    cancel = () => {
      if (Atomics.exchange(state, 0, CANCELLED) === QUEUED) reject(signal?.reason);
    };
  });
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await Promise.race([finished, abandoned]);
  } catch (error) {
    signal?.throwIfAborted();
    throw SourceError.from(error) ?? NonFiniteLogitError.from(error) ?? error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    clearInterval(timer);
  }
}

function progressOf(state: Int32Array): number {
  return Atomics.load(state, 1) / PROGRESS_UNITS;
}
