import type { Random } from '@radin/core';
import type { AllSubsets, Backend, RunOptions } from '@radin/native';
import { below, of, once } from '../changes/choice.js';
import {
  averageRequest,
  crossEntropyRequest,
  type Files,
  gramRequest,
  logitsRequest,
  predictRequest,
  spoiled,
} from './requests.js';

/** What a call on a backend gives, as text: results to the bit, or the kind and the words of its error. */
export type Call = (backend: Backend, options: RunOptions) => Promise<string>;

const hex = (array: NodeJS.TypedArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');

/** The smallest and the largest count of subsets of no models mean nothing. */
function meaningful({ lowest, highest, ...others }: AllSubsets): unknown {
  return { ...others, lowest: lowest.subarray(1), highest: highest.subarray(1) };
}

type Spoil = <T>(request: T) => T;

/** Calls of one kind: with requests that are as they should be, or have one value that is not. */
type Kind = (random: Random, files: Files, spoil: Spoil) => Call;

/** One for each method of a backend. */
const KINDS: readonly Kind[] = [average, gram, predict, crossEntropy, crossEntropyBank, bank];

/** Call `index` of a campaign, which has all kinds in turn. */
export function randomCall(random: Random, index: number, files: Files): Call {
  const spoils = once(random, 3);
  return (KINDS[index % KINDS.length] as Kind)(random, files, (request) =>
    spoils ? spoiled(random, request) : request,
  );
}

function average(random: Random, files: Files, spoil: Spoil): Call {
  const request = spoil(averageRequest(random, files));
  return async (backend, options) => {
    await backend.average(request, options);
    return request.tensors.flatMap(({ outputs }) => outputs.map(hex)).join();
  };
}

function gram(random: Random, files: Files, spoil: Spoil): Call {
  const request = spoil(gramRequest(random, files));
  return async (backend, options) => {
    const { products, notFinite } = await backend.gram(request, options);
    return `${hex(products)} ${hex(notFinite)}`;
  };
}

function predict(random: Random, _: Files, spoil: Spoil): Call {
  const request = spoil(predictRequest(random));
  return async (backend, options) => {
    const { predicted, sums } = await backend.predict(request, options);
    return `${hex(predicted)} ${hex(sums)}`;
  };
}

function crossEntropy(random: Random, files: Files, spoil: Spoil): Call {
  const request = spoil(crossEntropyRequest(random, files));
  return async (backend, options) => {
    const { totals, gradients } = await backend.crossEntropy(request, options);
    return `${hex(totals)} ${gradients && hex(gradients)}`;
  };
}

/** What a bank is opened with, and mixtures for it, of which one may be spoiled. */
function opening(random: Random, files: Files, spoil: Spoil) {
  const { mixtures, ...request } = logitsRequest(random, files);
  return once(random, 2) ? ([spoil(request), mixtures] as const) : ([request, spoil(mixtures)] as const);
}

function crossEntropyBank(random: Random, files: Files, spoil: Spoil): Call {
  const [opened, mixed] = opening(random, files, spoil);
  return async (backend, options) => {
    const bank = await backend.openCrossEntropyBank(opened, options);
    const { lower, upper } = await bank.bounds(mixed, options);
    if (lower.some((value, at) => !(value <= (upper[at] as number))))
      throw new Error(`bounds that exclude everything: ${lower} to ${upper}`);
    bank.close();
    return `${lower.length} ${await bank.bounds(mixed).catch((error: Error) => error.name)}`;
  };
}

function bank(random: Random, files: Files, spoil: Spoil): Call {
  const [opened, mixed] = opening(random, files, spoil);
  const subsets = once(random, 2)
    ? spoil({ keep: below(random, 9), lambda: of(random, [0, 1, 1e-3]), everyCount: once(random, 2) })
    : undefined;
  const closesEarly = once(random, 2);
  return async (backend, options) => {
    const bank = await backend.openBank(opened, options);
    const started = [
      async () => bank.count(mixed, options),
      async () => bank.correct(mixed.subarray(0, bank.models), options),
      async () => subsets && meaningful(await bank.allSubsets(subsets, options)),
    ].map((start) => start());
    // Calls under way finish.
    if (closesEarly) bank.close();
    const results = await Promise.allSettled(started);
    bank.close();
    return results
      .map((result) => (result.status === 'rejected' ? String(result.reason) : JSON.stringify(result.value)))
      .join(' ');
  };
}
