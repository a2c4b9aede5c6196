import type { Logits } from '../logits/index.js';
import { poolLogits, storedInMemory } from '../logits/index.js';
import type { Truth } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { ApproxScorer, type ApproxScorerOptions } from '../stage1/index.js';

/** What a full evaluation found. */
export interface Evaluated {
  readonly score: number;
  /** 1 for each sample that is right, else 0; absent for metrics that count none, as cross-entropy. */
  readonly correct?: Uint8Array;
}

/** In place of a 1 or 0 for a sample on which a soup was not evaluated. */
export const NOT_EVALUATED = 2;

/** Score of one model's logits, by the code that scores mixtures. @param id names the model in errors */
export async function scoreLogits(
  id: string,
  logits: Logits,
  truth: Truth,
  options: ApproxScorerOptions & { signal?: AbortSignal },
): Promise<Evaluated> {
  const alone = await ApproxScorer.open(poolLogits([id], [storedInMemory(logits)], truth.labels, truth), options);
  try {
    return await outcome(alone, Mixture.uniform(1, [0]), options);
  } finally {
    alone.close();
  }
}

/** Score of a mixture's averaged logits and the samples that they get right. */
export async function outcome(
  scorer: ApproxScorer,
  mixture: Mixture,
  { metric, signal }: Pick<ApproxScorerOptions, 'metric'> & { signal?: AbortSignal },
): Promise<Evaluated> {
  const call = signal ? { signal } : {};
  const score = (await scorer.scores([mixture], call))[0] as number;
  return metric.measure.kind === 'top' ? { score, correct: await scorer.correct(mixture, call) } : { score };
}
