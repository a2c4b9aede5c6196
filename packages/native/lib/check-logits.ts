import {
  type AllSubsetsRequest,
  type Bank,
  type BankRequest,
  type CrossEntropyBankRequest,
  type CrossEntropyRequest,
  FLOAT_BYTES,
  type LogitsArray,
  type LogitsRequest,
  MOST_MODELS_FOR_ALL_SUBSETS,
} from './backend.js';
import { checkSource } from './check-source.js';
import {
  checkLabels,
  checkMixtures,
  requireArray,
  requireDtype,
  requireInteger,
  requireObject,
  wrongType,
  wrongValue,
} from './validate.js';

/** Of likelihoods: below it a class is dropped from a cross-entropy bank. */
const DEFAULT_RATIO = 1e-3;

const MOST_MODELS = 65_535;
/** Sample indices are 32 bits wide. */
const MOST_SAMPLES = 2 ** 32 - 2;
const MOST_CLASSES = 2 ** 31;
/** Beyond any score, and far from overflow when it is multiplied by a size. */
const MOST_LAMBDA = 1e300;

/** A snapshot of cached logits and their labels. */
function checkLogits(request: LogitsRequest): LogitsRequest {
  requireObject(request, 'request');
  const { samples, classes } = request;
  requireInteger(samples, 0, MOST_SAMPLES, 'samples');
  requireInteger(classes, 1, MOST_CLASSES, 'classes');
  requireArray(request.logits, 'logits');
  const logits = Array.from(request.logits, (array, model) => checkLogitsArray(array, samples * classes, model));
  if (logits.length === 0 || logits.length > MOST_MODELS) {
    throw wrongValue(`1 to ${MOST_MODELS} arrays`, 'logits', logits.length);
  }
  return { logits, samples, classes, labels: checkLabels(request.labels, samples, classes) };
}

export function checkBank(request: BankRequest): BankRequest {
  const checked = checkLogits(request);
  const { top } = request;
  requireInteger(top, 1, checked.classes, 'top');
  return { ...checked, top };
}

export function checkCrossEntropy(request: CrossEntropyRequest): CrossEntropyRequest & { readonly gradient: boolean } {
  const logits = checkLogits(request);
  const { gradient = false } = request;
  if (typeof gradient !== 'boolean') throw wrongType('a boolean', 'gradient', gradient);
  return { ...logits, mixtures: checkMixtures(request.mixtures, logits.logits.length), gradient };
}

export function checkCrossEntropyBank(
  request: CrossEntropyBankRequest,
): CrossEntropyBankRequest & { readonly ratio: number } {
  const logits = checkLogits(request);
  const { ratio = DEFAULT_RATIO } = request;
  if (typeof ratio !== 'number') throw wrongType('a number', 'ratio', ratio);
  if (!(ratio > 1e-300 && ratio <= 1)) throw wrongValue('a number above 1e-300 and at most 1', 'ratio', ratio);
  return { ...logits, ratio };
}

function checkLogitsArray(array: LogitsArray, elements: number, model: number): LogitsArray {
  const name = `logits[${model}]`;
  requireObject(array, name);
  const { dtype, source } = array;
  requireDtype(dtype, `${name}.dtype`);
  return { dtype, source: checkSource(source, `${name}.source`, elements * FLOAT_BYTES[dtype]) };
}

export function checkAllSubsets(
  request: AllSubsetsRequest,
  { models, samples }: Pick<Bank, 'models' | 'samples'>,
): AllSubsetsRequest {
  requireObject(request, 'request');
  const { keep, lambda, everyCount = false } = request;
  requireInteger(keep, 0, Number.MAX_SAFE_INTEGER, 'keep');
  if (typeof lambda !== 'number') throw wrongType('a number', 'lambda', lambda);
  if (!(lambda >= 0 && lambda <= MOST_LAMBDA)) throw wrongValue(`a number in [0, ${MOST_LAMBDA}]`, 'lambda', lambda);
  if (models > MOST_MODELS_FOR_ALL_SUBSETS) {
    throw wrongValue(`at most ${MOST_MODELS_FOR_ALL_SUBSETS} models`, 'all subsets', models);
  }
  if (samples === 0) throw wrongValue('at least one sample', 'all subsets', samples);
  if (typeof everyCount !== 'boolean') throw wrongType('a boolean', 'everyCount', everyCount);
  return { keep, lambda, everyCount };
}
