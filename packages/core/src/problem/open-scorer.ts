import type { Backend } from '@radin/native';
import type { ContentCache } from '../cache/index.js';
import type { Split } from '../data/index.js';
import type { CachingEvaluator, LogitsKeys } from '../evaluator/index.js';
import type { OpenSoup } from '../mixture/index.js';
import type { Pool } from '../pool/index.js';
import { EvaluationMemory, SplitScorer } from '../stage2/index.js';
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
  readonly options: Pick<ProblemOptions, 'metric' | 'threads'>;
  /** Where what earlier runs computed is remembered. */
  readonly remembering?: {
    readonly cache: ContentCache;
    readonly keys: LogitsKeys;
    readonly evaluator: CachingEvaluator;
  };
}

/** The scorer of a split that is read. @throws RadinError where the split does not fit what runs the models, or given logits do not fit the split */
export async function openScorer(split: Split, memory: OpenMemory, sources: ScorerSources): Promise<SplitScorer> {
  const { pool, evaluating, making, backend, remembering, options } = sources;
  const { metric, threads } = options;
  evaluating.admit(split);
  const given = await openGivenLogits(sources.given, pool.ids, split);
  const openSoup: OpenSoup = (mixture, call) => making.soups.open(mixture, call);
  const { preparation } = making;
  const evaluations =
    remembering &&
    metric.remembered !== false &&
    new EvaluationMemory({
      ...remembering,
      split,
      pool,
      metric,
      scoresOnly: 'logitsOrScore' in evaluating.evaluator,
      ...(preparation !== undefined && { preparation }),
    });
  const store = memory.newStore();
  return new SplitScorer({
    pool,
    split,
    evaluator: remembering?.evaluator ?? evaluating.evaluator,
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
