import type { WeightGeometry } from '../pool/index.js';
import type { StoppableOptions } from '../progress.js';
import { neighbours, proposeCandidates, reweightings, SAMPLERS } from '../sampler/index.js';
import { type Candidate, selectBest } from '../stage1/index.js';
import {
  checkBudget,
  type MixtureScorer,
  OpenCandidates,
  SoupEstimate,
  type SoupEstimateChoice,
  Trials,
  unlessLost,
} from '../stage2/index.js';
import { anySignal, unlessStopped } from '../stop.js';
import type { CurvePoint } from './curve.js';
import { LISTED } from './radin.js';
import type { SearchResult } from './result.js';
import { failureNotices, hasScore, rankSingles, type Scored } from './scored.js';

export interface AdaptiveOptions extends StoppableOptions {
  /** B ≥ 1, the number of evaluations that are allowed. */
  readonly budget: number;
  /** C, the number of candidates that each sampler proposes at most. */
  readonly candidates: number;
  /** Where the models lie in weight space. */
  readonly geometry: WeightGeometry;
  /** What expected scores start from. Default: `composite`. */
  readonly estimate?: SoupEstimateChoice;
  /** Whether evaluations end when the soup can no longer be the best; default `exact`: they do. Nothing that is found depends on it. */
  readonly racing?: 'exact' | 'off';
}

/** Subsets with one model replaced that a new best soup brings at most; the best single models come in first. */
const MOST_SWAPS = 300;

/**
 * None of them draws, so the search has no seed. Adding Monte-Carlo candidates changed mean scores over the five pools of
 * tools/pools by less than 0.01 points, backward selection, beam and cross-entropy by less than 0.05, at any budget.
 */
export const ADAPTIVE_SAMPLERS = SAMPLERS.filter(({ name }) =>
  ['small-sets', 'top-k', 'forward', 'with-replacement'].includes(name),
);

/**
 * A search that learns while it evaluates. B times, the candidate with the highest expected score is evaluated: the score of
 * its averaged logits (RADIN, Eq. 3), smoothed, less what soups of such spread in weight space lose, plus what the soups
 * evaluated so far tell of it. An evaluation ends when the soup can no longer be the best; what the others then learn of it is
 * what the part until there tells, also where racing is off, so both modes evaluate the same soups in the same order. The
 * neighbours of the best soup join the candidates, so that greedy's next step is always among them, and so do its
 * reweightings, which are left out of every second choice: they gain little by little, and always near the best soup.
 * Single models are candidates whose scores are known, so the choice is never below the best of them.
 *
 * The same pool, samples and batch size give the same result; the choice at B is the best of the first B evaluations at any larger
 * budget, and `curve` has them all. Stopped by `stop` it returns the best so far, at first the best individual. Cost: N passes for
 * the logits, one read of the weights for the geometry, and at most B evaluations; between them up to 500 predictions of the
 * `GapModel`.
 */
export async function adaptive(scorer: MixtureScorer, options: AdaptiveOptions): Promise<SearchResult> {
  const { budget, candidates, geometry, racing = 'exact', signal, stop, onProgress } = options;
  checkBudget(budget);
  const ensemble = await scorer.ensemble(options);
  const individual = await scorer.individualScores(options);
  const known = rankSingles(individual);
  let best: Scored = selectBest(known);
  const curve: CurvePoint[] = [{ evaluations: 0, best, passes: 0 }];
  const call = { ...anySignal(signal, stop), ...(onProgress && { onProgress }) };
  const open = new OpenCandidates(
    await SoupEstimate.open(ensemble, geometry, individual, options.estimate, signal),
    call,
  );
  const order = known.map(({ mixture }) => mixture.ingredients[0] as number);
  const reweighted = new Set<string>();
  const near = ({ mixture }: Candidate) => {
    const weighted = mixture.size > 1 ? reweightings(mixture).filter(({ uniform }) => !uniform) : [];
    for (const { key } of weighted) reweighted.add(key);
    return [...neighbours(mixture, order, MOST_SWAPS), ...weighted];
  };
  const notices: string[] = [];
  const evaluated: Candidate[] = [];
  let passes = 0;
  const search = async () => {
    const proposal = { samplers: ADAPTIVE_SAMPLERS, candidates, seed: 0, includeUniform: true };
    const { mixtures, notices: found } = await proposeCandidates(scorer.poolSize, proposal, ensemble, call.signal);
    notices.push(...found);
    await open.add(mixtures);
    await open.add(near(best));
    const trials = await Trials.of(scorer, ensemble.metric, racing, call);
    while (evaluated.length < budget) {
      const next =
        (evaluated.length % 2 === 0 ? open.first(({ key }) => !reweighted.has(key)) : undefined) ?? open.first();
      if (next === undefined) break;
      const { mixture, approxScore } = next;
      open.remove(next);
      const trial = await trials.run(mixture, best, anySignal(signal, stop)).catch(unlessLost);
      if ('failed' in trial) {
        evaluated.push({ mixture, approxScore, rank: evaluated.length + 1, ...trial });
        continue;
      }
      const { observed, passes: cost, ...found } = trial;
      passes += cost;
      open.estimate.observe(next, observed);
      const candidate = { mixture, approxScore, rank: evaluated.length + 1, ...found };
      evaluated.push(candidate);
      const leader = hasScore(candidate) ? selectBest([best, candidate]) : best;
      const isNew = leader !== best;
      best = leader;
      if (isNew) {
        curve.push({ evaluations: evaluated.length, best, passes });
        await open.add(near(best));
      }
      const total = Math.min(budget, evaluated.length + open.size);
      onProgress?.({ phase: 'evaluate', done: evaluated.length, total, best: best.score });
    }
    return true;
  };
  const interrupted = (await unlessStopped(stop, search)) === undefined;
  const others = [...known, ...open.rest()].sort((a, b) => scoreOf(b) - scoreOf(a));
  const listed = [...evaluated, ...others].map((one, index) => ({ ...one, rank: index + 1 }));
  const chosen = listed.find(({ mixture }) => mixture.key === best.mixture.key) as Scored;
  return {
    method: 'adaptive',
    best: chosen,
    candidates: listed.slice(0, Math.max(LISTED, evaluated.length, chosen.rank)),
    scored: listed.length - known.length,
    evaluations: evaluated.length,
    passes,
    curve,
    ...(interrupted && { interrupted }),
    notices: [...notices, ...failureNotices(evaluated)],
  };
}

function scoreOf(one: Scored | { readonly priorScore: number }): number {
  return 'score' in one ? one.score : one.priorScore;
}
