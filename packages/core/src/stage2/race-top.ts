import { RadinError } from '../errors/index.js';
import { isMean, type Metric } from '../metric/index.js';
import type { StoppableOptions } from '../progress.js';
import { Random, STREAMS } from '../random.js';
import { breakTie } from '../sampler/index.js';
import type { Candidate } from '../stage1/index.js';
import { anySignal, unlessStopped } from '../stop.js';
import { checkBudget } from './evaluate-top.js';
import { raceToCertainty, raceToTheEnd } from './race.js';
import type { Raced } from './raced.js';
import { orderByDifficulty, type RacingOrder, randomOrder } from './racing-order.js';
import { SoupTrack } from './soup-track.js';
import type { SplitScorer } from './split-scorer.js';
import { raceStatistically } from './statistical-race.js';
import { evaluateWhole } from './whole-passes.js';

/** How the best of several candidates is found. */
export type Racing =
  /** Stops a candidate when it can no longer win: the winner of full passes, always. */
  | { readonly mode: 'exact' }
  /** Full passes in the order of `exact`, with a score for every candidate. */
  | { readonly mode: 'off' }
  /** Stops a candidate when the evidence against it is strong: another winner with probability `error` at most, in (0, 1). */
  | { readonly mode: 'statistical'; readonly error: number; readonly seed: number };

/**
 * The first `budget` candidates, raced for the highest real score with the tie-break of `selectBest` (RADIN, Recipe 2). All
 * modes but the statistical one run the same batches of the same samples in the same order, fewer or more of them, so what
 * they compute of a sample is the same to the bit. By a metric that is no mean over the samples every soup gets a full pass.
 * Stopped by `stop`, it returns what is known by then.
 * @throws RadinError for a statistical race by a metric that does not count samples, which is not bounded
 */
export async function raceTop(
  scorer: SplitScorer,
  ranked: readonly Candidate[],
  budget: number,
  racing: Racing,
  options: StoppableOptions = {},
): Promise<Raced> {
  checkBudget(budget);
  checkRacing(scorer.metric, racing, scorer.wholeOnly);
  if (scorer.wholeOnly || !isMean(scorer.metric)) return evaluateWhole(scorer, ranked.slice(0, budget), options);
  const { signal, stop } = options;
  const either = anySignal(signal, stop).signal;
  const contenders = ranked.slice(0, budget).sort((a, b) => breakTie(a.mixture, b.mixture));
  const order = await orderOf(scorer, contenders, racing, signal);
  const mixtures = contenders.map(({ mixture }) => mixture);
  const track = await SoupTrack.open(scorer, mixtures, order, options);
  try {
    const race = () => {
      if (racing.mode === 'statistical') return raceStatistically(track.statistical, racing.error, either);
      return (racing.mode === 'exact' ? raceToCertainty : raceToTheEnd)(track.exact, either);
    };
    const outcome = await unlessStopped(stop, race);
    const { measured, scores } = outcome ?? track.soFar;
    const raced = contenders.map((candidate, index) => {
      const failed = track.failure(index);
      if (failed !== undefined) return { ...candidate, failed };
      const [score, samples] = [scores[index] as number, track.samplesOf(measured[index] as number)];
      if (samples === 0) return candidate;
      const finished = samples === scorer.samples;
      scorer.record(candidate.mixture, finished ? score : undefined, track.correct(index));
      return finished ? { ...candidate, score } : { ...candidate, scoreAtMost: score, samples };
    });
    if (outcome !== undefined) {
      const best = Math.max(...raced.map(({ score }) => score ?? Number.NEGATIVE_INFINITY));
      options.onProgress?.({ phase: 'evaluate', done: raced.length, total: raced.length, best });
    }
    const passes = track.samplesEvaluated / scorer.samples;
    const candidates = raced.sort((a, b) => a.rank - b.rank);
    return { candidates, passes, ...(outcome === undefined && { interrupted: true }) };
  } finally {
    await track.close();
  }
}

/** Refuses before the passes what could not be raced after them. @throws RadinError */
export function checkRacing(metric: Metric, racing: Racing, wholeOnly = false): void {
  if (racing.mode !== 'statistical') return;
  if (wholeOnly) {
    throw new RadinError(
      'CONFIG',
      'Expected exact racing, or off, of tokens and with the command of an evaluator, which take whole splits, but found statistical',
    );
  }
  if (!(racing.error > 0 && racing.error < 1)) {
    throw new RadinError('CONFIG', `Expected a probability of error above 0 and below 1 but found ${racing.error}`);
  }
  if (metric.measure.kind !== 'top') {
    throw new RadinError('CONFIG', `Expected accuracy or top-K for statistical racing but found ${metric.name}`);
  }
}

async function orderOf(
  scorer: SplitScorer,
  contenders: readonly Candidate[],
  racing: Racing,
  signal: AbortSignal | undefined,
): Promise<RacingOrder> {
  if (racing.mode === 'statistical') return randomOrder(scorer.samples, new Random(racing.seed, STREAMS.racingOrder));
  const cache = await scorer.cache(signal ? { signal } : {});
  const mean = new Float64Array(scorer.poolSize);
  for (const { mixture } of contenders) {
    for (const [model, weight] of mixture.weights.entries()) mean[model] = (mean[model] as number) + weight;
  }
  return orderByDifficulty(cache, mean, scorer.metric, signal);
}
