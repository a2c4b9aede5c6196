import type { Random } from '@radin/core';
import {
  type AverageRequest,
  type BankRequest,
  type CrossEntropyBankRequest,
  type CrossEntropyRequest,
  FLOAT_BYTES,
  type FloatDtype,
  type GramRequest,
  leastAverageMemory,
  leastGramMemory,
  type PredictRequest,
  type Source,
} from '@radin/native';
import { below, of, once } from '../changes/choice.js';

export const DTYPES: readonly FloatDtype[] = ['F16', 'BF16', 'F32', 'F64'];
export const LENGTHS = [0, 1, 2, 3, 7, 8, 15, 33, 64, 129, 1000];
const SAMPLES = [0, 1, 2, 15, 33];
const CLASSES = [1, 2, 3, 10, 65];

/** Bytes at any alignment; of any bits, or of usual numbers. */
export function bytes(random: Random, length: number, dtype: FloatDtype, usual: boolean): Uint8Array<ArrayBuffer> {
  const shift = below(random, 9);
  const view = new Uint8Array(length + shift + 8).subarray(shift, shift + length);
  const width = FLOAT_BYTES[dtype];
  for (let at = 0; at < length; at++) view[at] = below(random, 256);
  // An exponent in the middle, so that sums stay finite.
  if (usual)
    for (let at = width - 1; at < length; at += width)
      view[at] = (once(random, 2) ? 0x80 : 0) | (dtype === 'F16' ? 0x38 : 0x3f);
  return view;
}

/** A range of an open file that holds the bytes, now and then of one that ends before. */
export interface Files {
  range(bytes: Uint8Array): Source;
}

export const source = (random: Random, files: Files, data: Uint8Array): Source =>
  once(random, 6) ? files.range(data) : data;

export function averageRequest(random: Random, files: Files): AverageRequest {
  const [models, outputs] = [1 + below(random, 4), 1 + below(random, 3)];
  const usual = !once(random, 4);
  const weight = () => (once(random, 4) ? 0 : of(random, [1, 1, 0.25, 1 / 3, 1e-300, 1e300]));
  const weights = Float64Array.from({ length: models * outputs }, weight);
  for (let b = 0; b < outputs; b++) weights[b * models + below(random, models)] = 1;
  const tensors = Array.from({ length: 1 + below(random, 3) }, () => {
    const dtype = of(random, DTYPES);
    const length = of(random, LENGTHS) * FLOAT_BYTES[dtype];
    const shared = bytes(random, length, dtype, usual);
    const ingredients = Array.from({ length: models }, () =>
      source(random, files, once(random, 8) ? shared : bytes(random, length, dtype, usual)),
    );
    return { dtype, ingredients, outputs: Array.from({ length: outputs }, () => bytes(random, length, dtype, true)) };
  });
  return {
    weights,
    divisors: Float64Array.from({ length: outputs }, () => of(random, [1, 2, 3, 0.1])),
    tensors,
    refuseNaN: once(random, 3),
    memoryLimit: leastAverageMemory(models) + below(random, 2 ** 20),
  };
}

export function gramRequest(random: Random, files: Files): GramRequest {
  const [models, groups] = [1 + below(random, 4), 1 + below(random, 3)];
  const withReference = once(random, 2);
  const tensors = Array.from({ length: 1 + below(random, 3) }, () => {
    const dtype = of(random, DTYPES);
    const length = of(random, LENGTHS) * FLOAT_BYTES[dtype];
    const data = () => source(random, files, bytes(random, length, dtype, !once(random, 4)));
    return {
      dtype,
      group: below(random, groups),
      models: Array.from({ length: models }, data),
      ...(withReference && { reference: data() }),
    };
  });
  return { models, groups, tensors, memoryLimit: leastGramMemory(models) + below(random, 2 ** 20) };
}

/** Now and then one that is hard: huge, not finite, the edge of what is near. */
const logit = (random: Random, wild: boolean) =>
  wild && once(random, 40)
    ? of(random, [1e30, -3e38, NaN, Infinity, 64, -0])
    : (below(random, 2001) - 1000) / of(random, [1, 100, 250]);

export function predictRequest(random: Random): PredictRequest {
  const [samples, classes] = [of(random, SAMPLES), of(random, CLASSES)];
  // Of logits that are not finite predictions mean nothing.
  const logits = Float32Array.from({ length: samples * classes }, () => logit(random, false));
  return { logits, classes };
}

export function crossEntropyRequest(random: Random, files: Files): CrossEntropyRequest {
  const request = logitsRequest(random, files);
  const temperatures = Float64Array.from(request.logits, () => of(random, [1, 0.5, 3, 1e-6, 1e6]));
  return {
    ...request,
    gradient: once(random, 3),
    ...(once(random, 2) && { measure: of(random, ['loss', 'probability', 'squared-error'] as const) }),
    ...(once(random, 3) && { temperatures }),
  };
}

/** Logits of a few models, with mixtures: for a bank, a cross-entropy and its bank alike. */
export function logitsRequest(
  random: Random,
  files: Files,
): BankRequest & CrossEntropyBankRequest & { readonly mixtures: Float64Array } {
  const models = 1 + below(random, 5);
  const [samples, classes] = [of(random, SAMPLES), of(random, CLASSES)];
  const wild = once(random, 8);
  const logits = Array.from({ length: models }, () => {
    const values = Float32Array.from({ length: samples * classes }, () => logit(random, wild));
    return { dtype: 'F32' as const, source: source(random, files, new Uint8Array(values.buffer)) };
  });
  const count = below(random, 4);
  const mixtures = Float64Array.from({ length: models * count }, () =>
    once(random, 3) ? 0 : of(random, [1, 1, 0.5, 1 / 3]),
  );
  for (let s = 0; s < count; s++) mixtures[s * models + below(random, models)] = 1;
  return {
    logits,
    samples,
    classes,
    labels: Int32Array.from({ length: samples }, () => below(random, classes)),
    mixtures,
    top: 1 + below(random, Math.min(3, classes)),
    ratio: of(random, [1, 1e-3, 1e-9]),
  };
}

const detached = (): Uint8Array => {
  const array = new Uint8Array(24);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
};

/** Values that no argument should have, or only some. */
export function oddArgument(random: Random): unknown {
  const odd: readonly (() => unknown)[] = [
    () => of(random, [NaN, Infinity, -Infinity, -1, 0, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64, 1e300]),
    () => of(random, [null, undefined, 'x', {}, [], true, 1n, Symbol.iterator]),
    () => detached(),
    () => new Uint8Array(new SharedArrayBuffer(8)),
    () =>
      new Uint8Array(
        new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(8, { maxByteLength: 64 }),
      ),
    () => new Float64Array(below(random, 20)).fill(of(random, [0, 1, NaN, -1, 2 ** 53])),
    () => new Int32Array(below(random, 20)).fill(of(random, [0, 1, -1, 2 ** 31 - 1])),
    () => new Uint8Array(below(random, 100)),
    () => new Float32Array(below(random, 10)),
    () => [new Uint8Array(below(random, 30)), null],
    () => new DataView(new ArrayBuffer(8)),
  ];
  return of(random, odd)();
}

/** A copy of a request in which one value, at any depth of its objects and lists, is another one. */
export function spoiled<T>(random: Random, request: T): T {
  if (typeof request !== 'object' || request === null || ArrayBuffer.isView(request) || once(random, 5))
    return oddArgument(random) as T;
  const copy = (Array.isArray(request) ? [...request] : { ...request }) as T & object;
  const key = of(random, Object.keys(copy)) as keyof T | undefined;
  if (key !== undefined) copy[key] = spoiled(random, copy[key]) as never;
  return copy;
}
