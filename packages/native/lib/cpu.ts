/** The C++ addon as a backend: checks, codes and cancellation around three raw functions. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AverageRequest, Backend, FloatDtype, RunOptions, ScoreRequest } from './backend.js';
import { mixingCoefficients } from './coefficients.js';
import { checkAverage, checkOptions, checkScore, nonFiniteLogit } from './validate.js';

/** What src/napi exports. Every call ends with its state; its promise settles once no thread works on it any more. */
interface AddonBinding {
  readonly bindingVersion: number;
  average(
    weights: Float64Array,
    divisor: number,
    dtypes: Int32Array,
    arrays: readonly Uint8Array[],
    threads: number,
    state: Int32Array,
  ): Promise<number>;
  score(
    logits: readonly Float32Array[],
    classes: number,
    labels: Int32Array,
    coefficients: Float64Array,
    top: number,
    totals: Float64Array,
    threads: number,
    state: Int32Array,
  ): Promise<number>;
}

/** Equal to kBindingVersion in src/napi/addon.cc. */
const BINDING_VERSION = 1;

/** The codes of RadinDtype in src/kernels.h. */
const DTYPE_CODES: Readonly<Record<FloatDtype, number>> = { F16: 0, BF16: 1, F32: 2, F64: 3 };

/** RadinState in src/kernels.h. */
const QUEUED = 0;
const CANCELLED = 2;

const ADDON_PATH = fileURLToPath(new URL('../build/Release/radin_native.node', import.meta.url));

/** @throws Error whose message says in one line why the addon cannot be used. */
function loadAddon(path: string): AddonBinding {
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

/**
 * Runs one call of the addon. A call that still waits for a thread when the signal aborts is rejected at once and never
 * runs; one that runs is rejected when its threads have stopped, so a rejected call writes nothing any more.
 */
async function run(start: (state: Int32Array) => Promise<number>, signal: AbortSignal | undefined): Promise<number> {
  signal?.throwIfAborted();
  const state = new Int32Array(1);
  const finished = start(state);
  if (!signal) return finished;

  let cancel = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    cancel = () => {
      if (Atomics.exchange(state, 0, CANCELLED) === QUEUED) reject(signal.reason);
    };
  });
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const result = await Promise.race([finished, abandoned]);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly #addon: AddonBinding;

  constructor(addon: AddonBinding) {
    this.#addon = addon;
  }

  async average(request: AverageRequest, options: RunOptions = {}): Promise<void> {
    const { weights, divisor, tensors } = checkAverage(request);
    const { threads, signal } = checkOptions(options);
    const dtypes = Int32Array.from(tensors, ({ dtype }) => DTYPE_CODES[dtype]);
    const arrays = tensors.flatMap(({ ingredients, output }) => [...ingredients, output]);
    await run((state) => this.#addon.average(weights, divisor, dtypes, arrays, threads, state), signal);
  }

  async score(request: ScoreRequest, options: RunOptions = {}): Promise<Float64Array> {
    const { logits, classes, labels, mixtures, measure } = checkScore(request);
    const { threads, signal } = checkOptions(options);
    const coefficients = mixingCoefficients(mixtures, logits.length, measure);
    const top = measure.kind === 'top' ? measure.k : 0;
    const totals = new Float64Array(mixtures.length / logits.length);
    const nonFinite = await run(
      (state) => this.#addon.score(logits, classes, labels, coefficients, top, totals, threads, state),
      signal,
    );
    if (nonFinite >= 0) {
      const size = logits[0]?.length as number;
      throw nonFiniteLogit(logits, classes, Math.floor(nonFinite / size), nonFinite % size);
    }
    return totals;
  }
}

/** The CPU backend. @throws Error whose message says in one line why the addon cannot be used. */
export function openCpuBackend(path = ADDON_PATH): Backend {
  return new CpuBackend(loadAddon(path));
}
