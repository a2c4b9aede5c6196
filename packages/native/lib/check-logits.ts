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
  type SampleMeasure,
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

/** Between these, quotients of logits are far from overflow and underflow. */
const [LEAST_TEMPERATURE, MOST_TEMPERATURE] = [1e-6, 1e6];

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

export function checkCrossEntropy(
  request: CrossEntropyRequest,
): CrossEntropyRequest & { readonly gradient: boolean; readonly measure: SampleMeasure } {
  const logits = checkLogits(request);
  const models = logits.logits.length;
  const { gradient = false, measure = 'loss' } = request;
  if (typeof gradient !== 'boolean') throw wrongType('a boolean', 'gradient', gradient);
  if (measure !== 'loss' && measure !== 'probability' && measure !== 'squared-error') {
    throw wrongValue('loss, probability or squared-error', 'measure', measure);
  }
  const temperatures = request.temperatures === undefined ? undefined : checkTemperatures(request.temperatures, models);
  if (gradient && (measure !== 'loss' || temperatures !== undefined)) {
    throw wrongValue('losses without temperatures', 'gradient', gradient);
  }
  const mixtures = checkMixtures(request.mixtures, models);
  return { ...logits, mixtures, gradient, measure, ...(temperatures && { temperatures }) };
}

function checkTemperatures(temperatures: Float64Array, models: number): Float64Array {
  if (!(temperatures instanceof Float64Array)) throw wrongType('a Float64Array', 'temperatures', temperatures);
  if (temperatures.length !== models) throw wrongValue(`${models} numbers`, 'temperatures', temperatures.length);
  const copy = temperatures.slice();
  const wrong = copy.findIndex((value) => !(value >= LEAST_TEMPERATURE && value <= MOST_TEMPERATURE));
  if (wrong >= 0) {
    throw wrongValue(`a number in [${LEAST_TEMPERATURE}, ${MOST_TEMPERATURE}]`, `temperatures[${wrong}]`, copy[wrong]);
  }
  return copy;
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
