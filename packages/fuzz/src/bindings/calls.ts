import type { Random } from '@radin/core';
import type { AllSubsets, Backend, RunOptions } from '@radin/native';
import { below, of, once } from '../changes/choice.js';
import { averageRequest, type Files, gramRequest, logitsRequest, spoiled } from './requests.js';

/** What a call on a backend gives, as text: results to the bit, or the kind and the words of its error. */
export type Call = (backend: Backend, options: RunOptions) => Promise<string>;

const hex = (array: NodeJS.TypedArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');

/** The smallest and the largest count of subsets of no models mean nothing. */
function meaningful({ lowest, highest, ...others }: AllSubsets): unknown {
  return { ...others, lowest: lowest.subarray(1), highest: highest.subarray(1) };
}

export function randomCall(random: Random, files: Files): Call {
  const spoil = <T>(request: T): T => (spoils ? spoiled(random, request) : request);
  const spoils = once(random, 3);
  switch (below(random, 5)) {
    case 0: {
      const request = spoil(averageRequest(random, files));
      return async (backend, options) => {
        await backend.average(request, options);
        return request.tensors.flatMap(({ outputs }) => outputs.map(hex)).join();
      };
    }
    case 1: {
      const request = spoil(gramRequest(random, files));
      return async (backend, options) => {
        const { products, notFinite } = await backend.gram(request, options);
        return `${hex(products)} ${hex(notFinite)}`;
      };
    }
    case 2: {
      const request = spoil(logitsRequest(random, files));
      return async (backend, options) => {
        const { totals, gradients } = await backend.crossEntropy(request, options);
        return `${hex(totals)} ${gradients && hex(gradients)}`;
      };
    }
    case 3: {
      const { mixtures, ...request } = logitsRequest(random, files);
      const [opened, mixed] =
        spoils && once(random, 2) ? [spoiled(random, request), mixtures] : [request, spoil(mixtures)];
      return async (backend, options) => {
        const bank = await backend.openCrossEntropyBank(opened, options);
        const { lower, upper } = await bank.bounds(mixed, options);
        if (lower.some((value, at) => !(value <= (upper[at] as number))))
          throw new Error(`bounds that exclude everything: ${lower} to ${upper}`);
        bank.close();
        return `${lower.length} ${await bank.bounds(mixed).catch((error: Error) => error.name)}`;
      };
    }
    default: {
      const { mixtures, ...request } = logitsRequest(random, files);
      const [opened, mixed] =
        spoils && once(random, 2) ? [spoiled(random, request), mixtures] : [request, spoil(mixtures)];
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
  }
}
