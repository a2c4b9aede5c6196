/** The contract of a bank in plain TypeScript: it keeps all logits and looks at all classes. The oracle of the tests. */

import {
  type AllSubsets,
  type AllSubsetsRequest,
  type Bank,
  type BankRequest,
  FLOAT_BYTES,
  type RunOptions,
} from './backend.js';
import { readLogits, watchSources } from './cached-logits.js';
import { checkAllSubsets, checkBank } from './check-logits.js';
import { coefficientsByLargest } from './coefficients.js';
import { NonFiniteLogitError } from './non-finite-logit-error.js';
import { Turn } from './turn.js';
import { checkMixture, checkMixtures, checkOptions } from './validate.js';

/** Looking at the clock after each would be a good part of the work of a subset with few classes. */
const SUBSETS_BETWEEN_LOOKS = 64;

class ReferenceBank implements Bank {
  readonly models: number;
  readonly samples: number;
  readonly classes: number;
  readonly top: number;
  readonly statistics;
  readonly #logits: readonly Float32Array[];
  readonly #labels: Int32Array;
  #isClosed = false;

  constructor(logits: readonly Float32Array[], { samples, classes, labels, top }: BankRequest) {
    this.models = logits.length;
    this.samples = samples;
    this.classes = classes;
    this.top = top;
    this.statistics = {
      alwaysRight: 0,
      alwaysWrong: 0,
      rows: samples * classes,
      bytes: logits.length * samples * classes * FLOAT_BYTES.F32,
    };
    this.#logits = logits;
    this.#labels = labels;
  }

  async count(mixtures: Float64Array, options: RunOptions = {}): Promise<Float64Array> {
    this.#requireOpen();
    const coefficients = coefficientsByLargest(checkMixtures(mixtures, this.models), this.models);
    const turn = new Turn(checkOptions(options));
    const counts = new Float64Array(mixtures.length / this.models);
    for (let s = 0; s < counts.length; s++) {
      const correct = await this.#correct(coefficients.subarray(s * this.models, (s + 1) * this.models), turn);
      counts[s] = correct.reduce((sum, isCorrect) => sum + isCorrect, 0);
    }
    return counts;
  }

  async correct(mixture: Float64Array, options: RunOptions = {}): Promise<Uint8Array> {
    this.#requireOpen();
    const coefficients = coefficientsByLargest(checkMixture(mixture, this.models), this.models);
    return this.#correct(coefficients, new Turn(checkOptions(options)));
  }

  async allSubsets(request: AllSubsetsRequest, options: RunOptions = {}): Promise<AllSubsets> {
    this.#requireOpen();
    const { keep, lambda, everyCount } = checkAllSubsets(request, this);
    const turn = new Turn(checkOptions(options));
    const all: { subset: number; size: number; correct: number; score: number }[] = [];
    const lowest = new Float64Array(this.models + 1).fill(this.samples);
    const highest = new Float64Array(this.models + 1);
    const total = new Float64Array(this.models + 1);
    const counts = await this.#countSubsets(turn);
    for (let subset = 1; subset < 2 ** this.models; subset++) {
      let size = 0;
      for (let k = 0; k < this.models; k++) size += (subset >>> k) & 1;
      const correct = counts[subset] as number;
      all.push({ subset, size, correct, score: correct / this.samples + lambda * size });
      lowest[size] = Math.min(lowest[size] as number, correct);
      highest[size] = Math.max(highest[size] as number, correct);
      total[size] = (total[size] as number) + correct;
    }
    all.sort((a, b) => b.score - a.score || b.size - a.size || lowerModelFirst(a.subset, b.subset));
    const best = all.slice(0, keep);
    return {
      subsets: Uint32Array.from(best, ({ subset }) => subset),
      correct: Float64Array.from(best, ({ correct }) => correct),
      lowest,
      highest,
      total,
      ...(everyCount && { counts }),
    };
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * How many samples each subset gets right, by its mask. A subset's sum is that of the subset without its last model and that model's
   * logits: the sum in the order of the models, as for any mixture, for one addition in the place of as many as there are models.
   */
  async #countSubsets(turn: Turn): Promise<Uint32Array> {
    const { models, classes, top } = this;
    const counts = new Uint32Array(2 ** models);
    // The models of the subset in ascending order, and the sums of the first of them, as many as the index says.
    const members = new Int32Array(models);
    const sums = Array.from({ length: models + 1 }, () => new Float64Array(classes).fill(-0));
    for (let sample = 0; sample < this.samples; sample++) {
      const label = this.#labels[sample] as number;
      const row = sample * classes;
      members[0] = 0;
      let subset = 0;
      let visited = 0;
      for (let size = 1; size > 0; ) {
        const last = members[size - 1] as number;
        const [sum, larger] = [sums[size - 1], sums[size]] as [Float64Array, Float64Array];
        const logits = this.#logits[last] as Float32Array;
        for (let c = 0; c < classes; c++) larger[c] = (sum[c] as number) + (logits[row + c] as number);
        subset |= 1 << last;
        counts[subset] = (counts[subset] as number) + isInTop(larger, label, top);
        // One model more, or where there is none another one in the place of the last but one.
        if (last + 1 < models) members[size++] = last + 1;
        else {
          subset &= ~(1 << last);
          size--;
          const before = members[size - 1] as number;
          if (size > 0) {
            subset &= ~(1 << before);
            members[size - 1] = before + 1;
          }
        }
        if (++visited % SUBSETS_BETWEEN_LOOKS === 0 && turn.isOver()) await turn.next();
      }
      if (turn.isOver()) await turn.next();
    }
    return counts;
  }

  async #correct(coefficients: Float64Array, turn: Turn): Promise<Uint8Array> {
    const correct = new Uint8Array(this.samples);
    const mixed = new Float64Array(this.samples > 0 ? this.classes : 0);
    for (let sample = 0; sample < this.samples; sample++) {
      mixed.fill(-0); // what leaves every first product as it is
      for (const [k, model] of this.#logits.entries()) {
        const a = coefficients[k] as number;
        if (a === 0) continue;
        for (let c = 0; c < this.classes; c++) {
          mixed[c] = (mixed[c] as number) + a * (model[sample * this.classes + c] as number);
        }
      }
      correct[sample] = isInTop(mixed, this.#labels[sample] as number, this.top);
      if (turn.isOver()) await turn.next();
    }
    return correct;
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new TypeError('Expected a bank that has not been closed');
  }
}

/** 1 if the label is among the `k` largest logits, ties going to the lowest class, else 0. */
function isInTop(logits: Float64Array, label: number, k: number): number {
  const truth = logits[label] as number;
  let preferred = 0;
  for (let c = 0; c < logits.length; c++) {
    const logit = logits[c] as number;
    if (logit > truth || (logit === truth && c < label)) preferred++;
  }
  return preferred < k ? 1 : 0;
}

/** Negative where `a` has the lower index among the models in which two subsets differ first. */
function lowerModelFirst(a: number, b: number): number {
  const difference = a ^ b;
  return (a & difference & -difference) !== 0 ? -1 : 1;
}

export async function openReferenceBank(request: BankRequest, options: RunOptions = {}): Promise<Bank> {
  const checked = checkBank(request);
  const turn = new Turn(checkOptions(options));
  const checkUnchanged = watchSources(checked);
  const logits: Float32Array[] = [];
  for (const model of checked.logits.keys()) logits.push(await finiteLogits(checked, model, turn));
  checkUnchanged();
  return new ReferenceBank(logits, checked);
}

/** A model's logits as float32. @throws NonFiniteLogitError, SourceError */
async function finiteLogits(request: BankRequest, model: number, turn: Turn): Promise<Float32Array> {
  const { samples, classes } = request;
  const values = new Float32Array(samples * classes);
  for (let sample = 0; sample < samples; sample++) {
    const row = readLogits(request, model, sample * classes, classes);
    const found = row.findIndex((logit) => !Number.isFinite(logit));
    if (found >= 0) throw new NonFiniteLogitError(model, sample, found, row[found] as number);
    values.set(row, sample * classes);
    if (turn.isOver()) await turn.next();
  }
  return values;
}
