import type { Backend } from '@radin/native';
import type { Split } from '../data/index.js';
import type { CachingEvaluator, LogitsKeys } from '../evaluator/index.js';
import type { OpenSoup } from '../mixture/index.js';
import type { Pool } from '../pool/index.js';
import { EvaluationMemory, SoupKeys, SplitScorer } from '../stage2/index.js';
import { type GivenLogits, openGivenLogits } from './given-logits.js';
import type { OpenEvaluator } from './open-evaluator.js';
import type { OpenMemory } from './open-memory.js';
import type { OpenSoupMaker } from './open-soup-maker.js';
import type { ProblemOptions } from './problem-files.js';

/** What the scorers of all splits share. */
export interface ScorerSources {
  readonly pool: Pool;
  readonly evaluating: OpenEvaluator;
  readonly making: OpenSoupMaker;
  readonly backend: Backend;
  readonly given: GivenLogits;
  readonly options: Pick<ProblemOptions, 'metric' | 'threads' | 'cache' | 'journal'>;
  readonly keys: LogitsKeys;
  /** The evaluator that remembers the logits of models, where they are kept. */
  readonly remembering?: CachingEvaluator;
}

/** The scorer of a split that is read. @throws RadinError where the split does not fit what runs the models, or given logits do not fit the split */
export async function openScorer(split: Split, memory: OpenMemory, sources: ScorerSources): Promise<SplitScorer> {
  const { pool, evaluating, making, backend, remembering, options } = sources;
  const { metric, threads } = options;
  evaluating.admit(split);
  const given = await openGivenLogits(sources.given, pool.ids, split);
  const openSoup: OpenSoup = (mixture, call) => making.soups.open(mixture, call);
  const evaluations = openMemoryOf(split, sources);
  const store = memory.newStore();
  return new SplitScorer({
    pool,
    split,
    evaluator: remembering ?? evaluating.evaluator,
    backend,
    metric,
    openSoup,
    ...(threads && { threads }),
    ...(memory.shares && { atOnce: memory.shares.atOnce }),
    ...(evaluations && { memory: evaluations }),
    ...(given && { given }),
    ...(store && { store }),
  });
}

/** The scorer of averages as they are, for splits on which soups are made otherwise: what an earlier process evaluated of them is known too. */
export function averageScorer(split: Split, sources: ScorerSources): SplitScorer {
  const { pool, evaluating, making, backend, options } = sources;
  const memory = openMemoryOf(split, { ...sources, making: { ...making, preparation: undefined } });
  return new SplitScorer({
    pool,
    split,
    evaluator: evaluating.evaluator,
    backend,
    metric: options.metric,
    ...(memory && { memory }),
  });
}

/** Where the journal and the cache, if there are any, keep what soups get on the split. */
function openMemoryOf(
  split: Split,
  { pool, evaluating, making: { preparation }, keys, options: { metric, cache, journal } }: ScorerSources,
): EvaluationMemory | undefined {
  const stores = { ...(cache && metric.remembered !== false && { cache }), ...(journal && { journal }) };
  if (Object.keys(stores).length === 0) return undefined;
  const soups = new SoupKeys({ keys, pool, split, metric, ...(preparation !== undefined && { preparation }) });
  return new EvaluationMemory({ ...stores, soups, scoresOnly: 'logitsOrScore' in evaluating.evaluator });
}
