import { COMPARISON_SCHEMA, type ComparisonReport, SEARCH_SCHEMA, type SearchReport, TASKS } from '@radin/core';
import { z } from 'zod';
import { poolIssues, rowMixtures, searchMixtures } from './pool-issues.js';

/** Longest name or sentence, and most models: what more than a thousand times as much as any run has is no document of one. */
const LONGEST_TEXT = 10_000;
const MOST_MODELS = 10_000;

const text = z.string().max(LONGEST_TEXT);
/** Beyond it differences and axes of scores are no numbers. */
const LARGEST = 1e100;

const score = z.number().min(-LARGEST).max(LARGEST);
const share = z.number().min(0).max(1);
const count = z.number().int().nonnegative();
const ids = z.array(text).max(MOST_MODELS).readonly();
const interval = { lower: score, upper: score };

/** A mixture: as many weights as models, one at least. */
function mixture<Shape extends z.ZodRawShape>(shape: Shape) {
  const weights = z.array(z.number().nonnegative()).max(MOST_MODELS).readonly();
  return z
    .object({ models: ids.check(z.minLength(1)), weights, ...shape })
    .refine(hasEqualLengths, { message: 'expected as many weights as models', path: ['weights'] });
}

function hasEqualLengths(value: unknown): boolean {
  const { models, weights } = value as { readonly models: readonly unknown[]; readonly weights: readonly unknown[] };
  return models.length === weights.length;
}

const candidate = {
  approxScore: score,
  estimate: score.exactOptional(),
  rank: count,
  valScore: score.exactOptional(),
  valScoreAtMost: score.exactOptional(),
  failed: z.string().exactOptional(),
  samples: count.exactOptional(),
};
const tests = { pValue: share, midPValue: share, difference: score, ...interval };
const paired = z.object({ onlyFirst: count, onlySecond: count, ...tests });
const splitReport = z.object({
  samples: count,
  interval: z.object(interval),
  versusBestIndividual: z.object({ onlyBest: count, onlyBestIndividual: count, ...tests }),
});
const rowSplit = z.object({ interval: z.object(interval), versusBestIndividual: paired, versusGreedy: paired });
const curve = z.array(mixture({ evaluations: count, valScore: score, passes: score.exactOptional() })).readonly();
const pair = z.object({ models: ids, interaction: score, error: score.exactOptional() });

const explanation = z.object({
  method: z.enum(['exact', 'sampled']),
  subsets: count,
  samples: count.exactOptional(),
  ensembleScore: score,
  emptyScore: score,
  inclusionAmong: z.object({ best: count, candidates: count }),
  models: z
    .array(
      z.object({
        model: text,
        score,
        shapley: score,
        shapleyError: score.exactOptional(),
        leaveOneOut: score,
        leaveOneOutError: score.exactOptional(),
        inclusion: share,
        expectedInclusion: share,
      }),
    )
    .readonly(),
  helpfulPairs: z.array(pair).readonly(),
  harmfulPairs: z.array(pair).readonly(),
  ingredients: z
    .array(z.object({ model: text, approxScore: score, valScore: score.exactOptional() }))
    .readonly()
    .exactOptional(),
});

const disagreement = z
  .object({
    samples: count.check(z.positive()),
    counts: z.array(z.array(count).readonly()).max(MOST_MODELS).readonly(),
  })
  .refine(({ counts }) => counts.every((row, k) => row.length === k), {
    message: 'expected for each model one count for each model before it',
    path: ['counts'],
  });

const REASONS = [
  'result',
  'outside-basin',
  'ensemble-does-not-gain',
  'not-connected',
  'one-model-ahead',
  'cannot-be-told-apart',
  'few-evaluations',
] as const;

const pool = {
  pool: z.object({
    name: text.exactOptional(),
    models: count,
    samples: count,
    classes: count,
    task: z.enum(TASKS).exactOptional(),
  }),
  models: z
    .array(
      z.object({
        model: text,
        valScore: score,
        testScore: score.exactOptional(),
        distance: score.check(z.nonnegative()).exactOptional(),
        warning: text.exactOptional(),
      }),
    )
    .min(1)
    .max(MOST_MODELS)
    .readonly(),
  disagreement: disagreement.exactOptional(),
};

const run = {
  metric: text,
  scoring: z.object({ unit: text, negated: z.boolean() }).exactOptional(),
  sampler: text,
  seed: count,
  notices: z.array(text).readonly(),
  versions: z.record(text, text),
  soupFile: text.exactOptional(),
  adapterFolder: text.exactOptional(),
};

/** `result.json`. */
export const searchSchema: z.ZodType<SearchReport> = z
  .object({
    schema: z.literal(SEARCH_SCHEMA),
    method: text,
    best: mixture({ ...candidate, testScore: score.exactOptional() }),
    bestIndividual: mixture({ ...candidate, testScore: score.exactOptional() }),
    statistics: z
      .object({ confidence: share, winnersCurse: score, validation: splitReport, test: splitReport.exactOptional() })
      .exactOptional(),
    holdout: z
      .object({
        interval: splitReport.shape.interval.exactOptional(),
        versusBestIndividual: splitReport.shape.versusBestIndividual.exactOptional(),
        samples: count,
        score,
        bestIndividualScore: score,
      })
      .exactOptional(),
    interrupted: z.literal(true).exactOptional(),
    curve: curve.exactOptional(),
    evaluations: count,
    passes: score,
    budget: count,
    lambda: score,
    estimate: z.object({ name: text, temperature: z.enum(['none', 'per-model']), smoothing: score.exactOptional() }),
    racing: z.enum(['exact', 'off', 'statistical']),
    scored: count,
    candidates: z.array(mixture(candidate)).readonly(),
    batchNorm: z.object({ layers: count, samples: count, averagedScore: score.exactOptional() }).exactOptional(),
    greedy: mixture({
      evaluations: count,
      valScore: score,
      testScore: score.exactOptional(),
      validation: paired.exactOptional(),
      test: paired.exactOptional(),
    }).exactOptional(),
    explanation: explanation.exactOptional(),
    reasons: z
      .array(z.object({ reason: z.enum(REASONS), text }))
      .readonly()
      .exactOptional(),
    ...pool,
    ...run,
  })
  .superRefine((report, { addIssue }) => {
    for (const issue of poolIssues(report, searchMixtures(report))) addIssue({ ...issue });
  });

/** `comparison.json`. */
export const comparisonSchema: z.ZodType<ComparisonReport> = z
  .object({
    schema: z.literal(COMPARISON_SCHEMA),
    budgets: z.array(count).readonly(),
    candidates: count,
    written: z.object({ method: text, budget: count }),
    rows: z
      .array(
        mixture({
          method: text,
          budget: count,
          valScore: score,
          testScore: score.exactOptional(),
          evaluations: count,
          passes: score.exactOptional(),
          curve: curve.exactOptional(),
          statistics: z.object({ validation: rowSplit, test: rowSplit.exactOptional() }).exactOptional(),
          failed: z.array(text).readonly().exactOptional(),
          trace: z
            .array(z.object({ model: text, valScore: score.exactOptional(), kept: z.boolean() }))
            .readonly()
            .exactOptional(),
        }),
      )
      .min(1)
      .readonly(),
    ...pool,
    ...run,
  })
  .superRefine((report, { addIssue }) => {
    for (const issue of poolIssues(report, rowMixtures(report))) addIssue({ ...issue });
  })
  .refine(
    ({ rows, written }) => rows.some(({ method, budget }) => method === written.method && budget === written.budget),
    {
      message: 'expected the method and budget of a row',
      path: ['written'],
    },
  );
