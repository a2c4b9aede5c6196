import { allOrNone } from '../all-or-none.js';
import type { StoppableOptions } from '../progress.js';
import type { Candidate } from '../stage1/index.js';
import { anySignal, unlessStopped } from '../stop.js';
import type { MixtureScorer } from './mixture-scorer.js';
import type { Raced } from './raced.js';

/** All candidates by full passes, for evaluators of which some samples cost as much as all. Stopped by `stop`, it returns those that are done. */
export async function evaluateWhole(
  scorer: MixtureScorer,
  candidates: readonly Candidate[],
  { signal, stop, onProgress }: StoppableOptions,
): Promise<Raced> {
  const scores = new Map<Candidate, number>();
  const evaluate = async (candidate: Candidate, _: number, either: AbortSignal) => {
    const [score] = (await scorer.scores([candidate.mixture], { signal: either })) as [number];
    scores.set(candidate, score);
    const best = Math.max(...scores.values());
    onProgress?.({ phase: 'evaluate', done: scores.size, total: candidates.length, best });
    return true;
  };
  const either = anySignal(signal, stop).signal;
  const finished = await unlessStopped(stop, () => allOrNone(candidates, evaluate, either));
  return {
    candidates: candidates.map((candidate) => {
      const score = scores.get(candidate);
      return score === undefined ? candidate : { ...candidate, score };
    }),
    passes: [...scores.keys()].filter(({ mixture }) => mixture.size > 1).length,
    ...(finished === undefined && { interrupted: true }),
  };
}
