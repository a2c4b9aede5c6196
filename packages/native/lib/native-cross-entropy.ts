/** Cross-entropy by the addon: codes and coefficients around its raw functions. */

import { type AddonBinding, DTYPE_CODES, type RawCrossEntropyBank, rawSources, runCall } from './addon.js';
import type {
  CrossEntropy,
  CrossEntropyBank,
  CrossEntropyBankRequest,
  CrossEntropyBounds,
  CrossEntropyRequest,
  LogitsRequest,
  RunOptions,
} from './backend.js';
import { readLogits } from './cached-logits.js';
import { checkCrossEntropy, checkCrossEntropyBank } from './check-logits.js';
import { coefficientsBySum } from './coefficients.js';
import { NonFiniteLogitError } from './non-finite-logit-error.js';
import { checkMixtures, checkOptions } from './validate.js';

/** Equal to RadinSampleMeasure in src/kernels.h. */
const MEASURE_CODES = { loss: 0, probability: 1, 'squared-error': 2 } as const;

/** The contract's `crossEntropy` by the addon's backend of that index. */
export async function crossEntropy(
  addon: AddonBinding,
  backend: number,
  request: CrossEntropyRequest,
  options: RunOptions,
): Promise<CrossEntropy> {
  const checked = checkCrossEntropy(request);
  const run = checkOptions(options);
  const { logits, classes, labels, mixtures, gradient, temperatures } = checked;
  const coefficients = coefficientsBySum(mixtures, logits.length, temperatures);
  const measure = MEASURE_CODES[checked.measure];
  const count = mixtures.length / logits.length;
  const results = new Float64Array(gradient ? count + mixtures.length : count);
  const { dtypes, arrays, ranges } = rawLogits(checked);
  const nonFinite = await runCall(
    (state) =>
      addon.crossEntropy(
        backend,
        dtypes,
        arrays,
        ranges,
        classes,
        labels,
        coefficients,
        measure,
        results,
        run.threads,
        state,
      ),
    run,
  );
  requireFinite(checked, nonFinite);
  const totals = results.slice(0, count);
  return gradient ? { totals, gradients: results.slice(count) } : { totals };
}

/** The contract's `openCrossEntropyBank` by the addon's backend of that index. */
export async function openCrossEntropyBank(
  addon: AddonBinding,
  backend: number,
  request: CrossEntropyBankRequest,
  options: RunOptions,
): Promise<CrossEntropyBank> {
  const checked = checkCrossEntropyBank(request);
  const run = checkOptions(options);
  const { classes, labels, ratio } = checked;
  const { dtypes, arrays, ranges } = rawLogits(checked);
  const figures = new Float64Array(3);
  const bank = await runCall(
    (state) =>
      addon.openCrossEntropyBank(backend, dtypes, arrays, ranges, classes, labels, ratio, figures, run.threads, state),
    run,
  );
  if (typeof bank === 'number') return requireFinite(checked, bank) as never;
  return new NativeBank(addon, backend, checked, bank, figures);
}

class NativeBank implements CrossEntropyBank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly rows: number;
  readonly bytes: number;
  readonly farSamples: number;
  readonly #addon: AddonBinding;
  readonly #backend: number;
  #bank: RawCrossEntropyBank | undefined;

  constructor(
    addon: AddonBinding,
    backend: number,
    { logits, samples, classes }: LogitsRequest,
    bank: RawCrossEntropyBank,
    [rows, bytes, farSamples]: Iterable<number>,
  ) {
    this.#addon = addon;
    this.#backend = backend;
    this.#bank = bank;
    this.models = logits.length;
    this.samples = samples;
    this.classes = classes;
    this.rows = rows as number;
    this.bytes = bytes as number;
    this.farSamples = farSamples as number;
  }

  async bounds(mixtures: Float64Array, options: RunOptions = {}): Promise<CrossEntropyBounds> {
    const bank = this.#bank;
    if (bank === undefined) throw new TypeError('Expected a bank that has not been closed');
    const coefficients = coefficientsBySum(checkMixtures(mixtures, this.models), this.models);
    const run = checkOptions(options);
    const lower = new Float64Array(mixtures.length / this.models);
    const upper = new Float64Array(lower.length);
    await runCall(
      (state) => this.#addon.crossEntropyBounds(this.#backend, bank, coefficients, lower, upper, run.threads, state),
      run,
    );
    return { lower, upper };
  }

  close(): void {
    if (this.#bank === undefined) return;
    this.#addon.closeCrossEntropyBank(this.#bank);
    this.#bank = undefined;
  }
}

function rawLogits({ logits }: LogitsRequest) {
  return {
    dtypes: Int32Array.from(logits, ({ dtype }) => DTYPE_CODES[dtype]),
    ...rawSources(logits.map(({ source }) => source)),
  };
}

/** @param index in [N, M, C] of the first logit that is not finite, or −1 */
function requireFinite(request: LogitsRequest, index: number): void {
  if (index < 0) return;
  const { samples, classes } = request;
  const [model, element] = [Math.floor(index / (samples * classes)), index % (samples * classes)];
  const [value] = readLogits(request, model, element, 1);
  throw new NonFiniteLogitError(model, Math.floor(element / classes), element % classes, value as number);
}
