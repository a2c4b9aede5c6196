import type { Backend, CrossEntropyRequest, LogitsRequest, RunOptions } from '@radin/native';
import type { LossAt, SimplexLoss } from '../sampler/index.js';

/** Numbers of one call's weights and gradients, which every thread keeps. */
const TILE_WEIGHTS = 2 ** 18;

/** Mean cross-entropy of mixtures of these logits, with gradients. */
export function simplexLoss(
  request: LogitsRequest,
  threads: { readonly threads?: number },
  crossEntropy: Backend['crossEntropy'],
): SimplexLoss {
  const models = request.logits.length;
  const tile = Math.max(1, Math.floor(TILE_WEIGHTS / models));
  return {
    models,
    async at(points, signal) {
      const found: LossAt[] = [];
      for (let start = 0; start < points.length; start += tile) {
        found.push(...(await meanLosses(request, points.slice(start, start + tile), threads, crossEntropy, signal)));
      }
      return found;
    },
  };
}

async function meanLosses(
  request: LogitsRequest,
  points: readonly Float64Array[],
  threads: { readonly threads?: number },
  crossEntropy: (request: CrossEntropyRequest, options: RunOptions) => ReturnType<Backend['crossEntropy']>,
  signal: AbortSignal | undefined,
): Promise<LossAt[]> {
  const models = request.logits.length;
  const mixtures = new Float64Array(points.length * models);
  for (const [row, point] of points.entries()) mixtures.set(point, row * models);
  const run = { ...threads, ...(signal && { signal }) };
  const { totals, gradients } = await crossEntropy({ ...request, mixtures, gradient: true }, run);
  return points.map((_, row) => ({
    loss: (totals[row] as number) / request.samples,
    gradient: (gradients as Float64Array)
      .subarray(row * models, (row + 1) * models)
      .map((derivative) => derivative / request.samples),
  }));
}
