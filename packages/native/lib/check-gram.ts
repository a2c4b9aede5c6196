/** What both backends check of a Gram matrix before they start; see validate.ts. */

import { FLOAT_BYTES, type GramRequest, type GramTensor, leastGramMemory, type Source } from './backend.js';
import { checkSource } from './check-source.js';
import { requireArray, requireDtype, requireInteger, requireObject, wrongType, wrongValue } from './validate.js';

/** More than this makes nothing faster: 64 KiB of each of 72 files of float32, and 0.4 MB, for more than 50 threads. */
const DEFAULT_MEMORY = 256 * 2 ** 20;

const MOST_MODELS = 2 ** 20;
const MOST_GROUPS = 2 ** 20;

export interface CheckedGram extends Required<GramRequest> {
  /** Of one tensor after another: its models, then its reference. */
  readonly sources: readonly Source[];
}

export function checkGram(request: GramRequest): CheckedGram {
  requireObject(request, 'request');
  const { models, groups } = request;
  requireInteger(models, 1, MOST_MODELS, 'models');
  requireInteger(groups, 1, MOST_GROUPS, 'groups');
  const { memoryLimit = Math.max(DEFAULT_MEMORY, leastGramMemory(models)) } = request;
  requireInteger(memoryLimit, leastGramMemory(models), Number.MAX_SAFE_INTEGER, 'memoryLimit');
  requireArray(request.tensors, 'tensors');
  const tensors = Array.from(request.tensors, (tensor, t) => checkTensor(tensor, models, groups, `tensors[${t}]`));
  const hasReference = tensors[0]?.reference !== undefined;
  for (const [t, { reference }] of tensors.entries()) {
    if ((reference !== undefined) !== hasReference) {
      throw wrongType('a source in all tensors or in none', `tensors[${t}].reference`, reference);
    }
  }
  const sources = tensors.flatMap((tensor) => [...tensor.models, ...(tensor.reference ? [tensor.reference] : [])]);
  return { models, groups, tensors, sources, memoryLimit };
}

function checkTensor(tensor: GramTensor, models: number, groups: number, name: string): GramTensor {
  requireObject(tensor, name);
  const { dtype, group, reference } = tensor;
  requireDtype(dtype, `${name}.dtype`);
  requireInteger(group, 0, groups - 1, `${name}.group`);
  requireArray(tensor.models, `${name}.models`);
  const sources = Array.from(tensor.models);
  if (sources.length !== models) throw wrongValue(`${models} sources`, `${name}.models`, sources.length);
  const first = checkSource(sources[0] as Source, `${name}.models[0]`);
  const bytes = first.byteLength;
  if (bytes % FLOAT_BYTES[dtype] !== 0) {
    throw wrongValue(`a multiple of ${FLOAT_BYTES[dtype]} bytes (${dtype})`, `${name}.models[0]`, bytes);
  }
  const checked = {
    dtype,
    group,
    models: sources.map((source, k) => checkSource(source, `${name}.models[${k}]`, bytes)),
  };
  return reference === undefined
    ? checked
    : { ...checked, reference: checkSource(reference, `${name}.reference`, bytes) };
}
