/** Cross-entropy by the addon: codes and coefficients around its raw functions. */

import { type AddonBinding, DTYPE_CODES, rawSources, runCall } from './addon.js';
import type { CrossEntropy, CrossEntropyRequest, LogitsRequest, RunOptions } from './backend.js';
import { readLogits } from './cached-logits.js';
import { mixingCoefficients } from './coefficients.js';
import { checkCrossEntropy, checkOptions, nonFiniteCachedLogit } from './validate.js';

/** The contract's `crossEntropy` by the addon's backend of that index. */
export async function crossEntropy(
  addon: AddonBinding,
  backend: number,
  request: CrossEntropyRequest,
  options: RunOptions,
): Promise<CrossEntropy> {
  const checked = checkCrossEntropy(request);
  const run = checkOptions(options);
  const { logits, classes, labels, mixtures, gradient } = checked;
  const coefficients = mixingCoefficients(mixtures, logits.length, { kind: 'cross-entropy' });
  const count = mixtures.length / logits.length;
  const results = new Float64Array(gradient ? count + mixtures.length : count);
  const { dtypes, arrays, ranges } = rawLogits(checked);
  const nonFinite = await runCall(
    (state) =>
      addon.crossEntropy(backend, dtypes, arrays, ranges, classes, labels, coefficients, results, run.threads, state),
    run,
  );
  requireFinite(checked, nonFinite);
  const totals = results.slice(0, count);
  return gradient ? { totals, gradients: results.slice(count) } : { totals };
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
  const size = request.samples * request.classes;
  const [value] = readLogits(request, Math.floor(index / size), index % size, 1);
  throw nonFiniteCachedLogit(request, index, value as number);
}
