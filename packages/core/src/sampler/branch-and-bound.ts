import type { Metric } from '../metric/index.js';
import { Mixture } from '../mixture/index.js';
import { minimiseCrossEntropy } from './best-mixture.js';
import { Effort } from './effort.js';
import type { Criterion } from './ensemble-scores.js';
import { oneMore } from './forward.js';
import { type BoundedSearch, searchMargins } from './margin-search.js';
import { walk } from './path.js';
import type { Sampler, SamplerContext } from './sampler.js';
import { bestOf, nameBy, type Scored, scoreSingles } from './scored.js';
import { climb } from './swaps.js';
import { searchTangents } from './tangent-search.js';

/** Numbers of the margins' table: 32 MiB. Bounds of larger pools would not close within the effort anyway. */
const MOST_MARGINS = 2 ** 23;

/** Nats per sample; the tangent at the best mixture need not be closer than the slack of the bounds. */
const GAP = 1e-6;

/**
 * Branch and bound over all uniform subsets (named as future work in RADIN, 6), from the ends of forward selection and of a
 * local search. It ends with a proof that no subset is better or, at its limit of work, with a bound on how much better one
 * could be; a notice says which. Ties: any subset with the best score may be the one that is proposed.
 */
export function branchAndBound(criterion: Criterion): Sampler {
  return {
    name: nameBy('branch-and-bound', criterion),
    climbs: criterion === 'metric' ? 'bounded' : criterion,
    async *sample(context) {
      const { metric } = context.ensemble;
      const known = await start(context, criterion);
      const isMargin = criterion === 'metric' && metric.measure.kind === 'top';
      const search = isMargin
        ? await searchMargins(context, await context.ensemble.margins(MOST_MARGINS, context.signal), known)
        : await searchTangents(context, known, await bestMixture(context, known));
      context.notify?.(certificate(nameBy('branch-and-bound', criterion), search, isMargin ? metric : undefined));
      yield* bestOf([...search.found, ...known], context.count);
    },
  };
}

async function start(context: SamplerContext, criterion: Criterion): Promise<Scored[]> {
  const [single] = (await scoreSingles(context, criterion)) as [Scored];
  const effort = new Effort(context, criterion);
  // As far as forward selection goes, whatever the number of candidates asked for.
  const path = await walk(effort, context.poolSize, single, oneMore);
  const best = path.reduce((first, one) => (one.score > first.score ? one : first));
  return [...path, ...(await climb(context, effort, best))];
}

async function bestMixture(context: SamplerContext, known: readonly Scored[]): Promise<Float64Array> {
  const from = known.at(-1)?.mixture ?? Mixture.uniform(context.poolSize, [0]);
  return (await minimiseCrossEntropy(context, from.weights, GAP)).point;
}

function certificate(name: string, { found, bound, isClosed }: BoundedSearch, metric: Metric | undefined): string {
  const { mixture, score } = found[0] as Scored;
  const shown = (value: number) =>
    metric === undefined ? `cross-entropy ${(-value).toFixed(6)}` : `${metric.name} ${(100 * value).toFixed(3)}%`;
  const best = `the best subset found, of ${mixture.size} models, has ${shown(score)}`;
  return isClosed
    ? `${name}: ${best}; it is proven that none is better`
    : `${name}: ${best}; the search ended at its limit of work, and all that is proven is that none is better than ${shown(bound)}`;
}
