/** A bank in the addon's memory. */

import { type AddonBinding, DTYPE_CODES, type RawBank, rawSources, runCall } from './addon.js';
import type { AllSubsets, AllSubsetsRequest, Bank, BankRequest, BankStatistics, RunOptions } from './backend.js';
import { checkAllSubsets, checkBank } from './check-logits.js';
import { coefficientsByLargest } from './coefficients.js';
import { checkMixture, checkMixtures, checkOptions } from './validate.js';

class NativeBank implements Bank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly top: number;
  readonly statistics: BankStatistics;
  readonly #addon: AddonBinding;
  readonly #backend: number;
  readonly #raw: RawBank;

  constructor(addon: AddonBinding, backend: number, raw: RawBank, { logits, samples, classes, top }: BankRequest) {
    this.models = logits.length;
    this.samples = samples;
    this.classes = classes;
    this.top = top;
    const { alwaysRight, alwaysWrong, rows, bytes } = raw;
    this.statistics = { alwaysRight, alwaysWrong, rows, bytes };
    this.#addon = addon;
    this.#backend = backend;
    this.#raw = raw;
  }

  async count(mixtures: Float64Array, options: RunOptions = {}): Promise<Float64Array> {
    const coefficients = coefficientsByLargest(checkMixtures(mixtures, this.models), this.models);
    const run = checkOptions(options);
    const counts = new Float64Array(mixtures.length / this.models);
    await runCall(
      (state) => this.#addon.bankCount(this.#backend, this.#raw, coefficients, counts, run.threads, state),
      run,
    );
    return counts;
  }

  async correct(mixture: Float64Array, options: RunOptions = {}): Promise<Uint8Array> {
    const coefficients = coefficientsByLargest(checkMixture(mixture, this.models), this.models);
    const run = checkOptions(options);
    const correct = new Uint8Array(this.samples);
    await runCall(
      (state) => this.#addon.bankCorrect(this.#backend, this.#raw, coefficients, correct, run.threads, state),
      run,
    );
    return correct;
  }

  async allSubsets(request: AllSubsetsRequest, options: RunOptions = {}): Promise<AllSubsets> {
    const { keep, lambda, everyCount } = checkAllSubsets(request, this);
    const run = checkOptions(options);
    const room = Math.min(keep, 2 ** this.models - 1);
    const subsets = new Uint32Array(room);
    const correct = new Float64Array(room);
    const sizes = new Float64Array(3 * (this.models + 1));
    const counts = new Uint32Array(everyCount ? 2 ** this.models : 0);
    await runCall(
      (state) =>
        this.#addon.bankAllSubsets(
          this.#backend,
          this.#raw,
          lambda,
          subsets,
          correct,
          sizes,
          counts,
          run.threads,
          state,
        ),
      run,
    );
    const row = (index: number) => sizes.slice(index * (this.models + 1), (index + 1) * (this.models + 1));
    return { subsets, correct, lowest: row(0), highest: row(1), total: row(2), ...(everyCount && { counts }) };
  }

  close(): void {
    this.#addon.bankClose(this.#raw);
  }
}

export async function openNativeBank(
  addon: AddonBinding,
  backend: number,
  request: BankRequest,
  options: RunOptions,
): Promise<Bank> {
  const checked = checkBank(request);
  const { logits, classes, labels, top } = checked;
  const run = checkOptions(options);
  const { arrays, ranges } = rawSources(logits.map(({ source }) => source));
  const dtypes = Int32Array.from(logits, ({ dtype }) => DTYPE_CODES[dtype]);
  const raw = await runCall(
    (state) => addon.bankOpen(backend, dtypes, arrays, ranges, classes, labels, top, run.threads, state),
    run,
  );
  return new NativeBank(addon, backend, raw, checked);
}
