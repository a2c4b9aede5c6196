import type { WeightGeometry } from '../pool/index.js';
import type { CallOptions } from '../progress.js';
import { neighbours, proposeCandidates, reweightings, SAMPLERS } from '../sampler/index.js';
import { type Candidate, selectBest } from '../stage1/index.js';
import {
  checkBudget,
  type MixtureScorer,
  OpenCandidates,
  SoupEstimate,
  type SoupEstimateChoice,
} from '../stage2/index.js';
import { rankSingles } from './baselines.js';
import { LISTED } from './radin.js';
import type { SearchResult } from './result.js';

export interface AdaptiveOptions extends CallOptions {
  /** B ≥ 1, the number of full evaluations that are allowed. */
  readonly budget: number;
  /** C, the number of candidates that each sampler proposes at most. */
  readonly candidates: number;
  /** Where the models lie in weight space. */
  readonly geometry: WeightGeometry;
  /** What expected scores start from. Default: `composite`. */
  readonly estimate?: SoupEstimateChoice;
}

/** Subsets with one model replaced that a new best soup brings at most; the best single models come in first. */
const MOST_SWAPS = 1000;

type Scored = Candidate & { readonly score: number };

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
 * evaluated so far tell of it. The neighbours of the best soup, and of a soup its reweightings, join the candidates, so that
 * greedy's next step is always among them.
 * Single models are candidates whose scores are known, so the choice is never below the best of them. The same pool and
 * samples give the same result; the choice at B is the best of the first B evaluations at any larger budget. Cost: N passes for
 * the logits, one read of the weights for the geometry, and at most B evaluations; between them up to 500 predictions of the
 * `GapModel`.
 */
export async function adaptive(scorer: MixtureScorer, options: AdaptiveOptions): Promise<SearchResult> {
  const { budget, candidates, geometry, signal } = options;
  checkBudget(budget);
  const size = scorer.poolSize;
  const ensemble = await scorer.ensemble(options);
  const individual = await scorer.individualScores(options);
  const known = rankSingles(individual);
  const open = new OpenCandidates(
    await SoupEstimate.open(ensemble, geometry, individual, options.estimate, signal),
    options,
  );
  const proposal = { samplers: ADAPTIVE_SAMPLERS, candidates, seed: 0, includeUniform: true };
  const { mixtures, notices } = await proposeCandidates(size, proposal, ensemble, signal);
  await open.add(mixtures);
  let best = selectBest(known);
  const order = known.map(({ mixture }) => mixture.ingredients[0] as number);
  const near = ({ mixture }: Candidate) => [
    ...neighbours(mixture, order, MOST_SWAPS),
    ...(mixture.size > 1 ? reweightings(mixture) : []),
  ];
  await open.add(near(best));
  const evaluated: Scored[] = [];
  while (evaluated.length < budget) {
    const next = open.take();
    if (next === undefined) break;
    const { mixture, approxScore } = next;
    const [score] = (await scorer.scores([mixture], signal ? { signal } : {})) as [number];
    open.estimate.observe(next, score);
    evaluated.push({ mixture, approxScore, rank: evaluated.length + 1, score });
    const leader = selectBest([best, evaluated.at(-1) as Scored]);
    if (leader !== best) await open.add(near(leader));
    best = leader;
    const total = Math.min(budget, evaluated.length + open.size);
    options.onProgress?.({ phase: 'evaluate', done: evaluated.length, total, best: best.score });
  }
  const others = [...known, ...open.rest()].sort((a, b) => scoreOf(b) - scoreOf(a));
  const listed = [...evaluated, ...others].map((one, index) => ({ ...one, rank: index + 1 }));
  const chosen = listed.find(({ mixture }) => mixture.key === best.mixture.key) as Scored;
  return {
    method: 'adaptive',
    best: chosen,
    candidates: listed.slice(0, Math.max(LISTED, evaluated.length, chosen.rank)),
    scored: listed.length - known.length,
    evaluations: evaluated.length,
    notices,
  };
}

function scoreOf(one: Scored | { readonly priorScore: number }): number {
  return 'score' in one ? one.score : one.priorScore;
}
