import { allOrNone } from '../all-or-none.js';
import { checkLabels, type Split } from '../data/index.js';
import { type LogitsStore, type PoolLogits, poolLogits, scoredLogits, storedInMemory } from '../logits/index.js';
import type { Pool } from '../pool/index.js';
import { Slots } from '../slots.js';
import type { Evaluator } from './evaluator.js';

/**
 * The one pass of every model over a split, whose rows of logits stage 1 works from (`scoredLogits`): N full evaluations.
 * @param store keeps the logits, which are in memory without one; then only `atOnce` models' are there besides
 * @param onProgress called with the number of models done, fractions included
 * @param onRemembered called for each model that cost no pass
 * @throws RadinError where a model's logits are not finite, models disagree on C, or a label is not below C.
 */
export async function passOfPool(
  pool: Pool,
  evaluator: Evaluator,
  split: Split,
  options: {
    signal?: AbortSignal;
    store?: LogitsStore;
    atOnce?: number;
    onProgress?: (models: number) => void;
    onRemembered?: () => void;
  } = {},
): Promise<PoolLogits> {
  const done = new Float64Array(pool.size);
  const { store, atOnce = pool.size } = options;
  const slots = new Slots(atOnce);
  const logits = await allOrNone(
    pool.checkpoints,
    async (checkpoint, index, signal) => {
      await slots.acquire(signal);
      try {
        const outputs = await evaluator.logits(checkpoint, split.inputs, {
          signal,
          ...(options.onRemembered && { onRemembered: options.onRemembered }),
          onProgress: (samples) => {
            done[index] = samples / split.samples;
            options.onProgress?.(done.reduce((sum, fraction) => sum + fraction, 0));
          },
        });
        const result = scoredLogits(outputs, split.labels);
        checkLabels(split.labels, result.classes);
        return store === undefined ? storedInMemory(result) : await store.keep(index, result);
      } finally {
        slots.release();
      }
    },
    options.signal,
  );
  const { values, targets, groups } = split.labels;
  return poolLogits(pool.ids, logits, values, { ...(targets && { targets }), ...(groups && { groups }) });
}
