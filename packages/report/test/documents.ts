import { type ComparisonReport, Random, type SearchReport } from '@radin/core';

const SAMPLES = 500;

/** Model names that must be shown as they are, among ordinary ones. */
export const HOSTILE = ['</script><img src=x onerror=alert(1)>', '"quoted", & <b>bold</b>', '__proto__', '=SUM(A1)'];

function modelNames(size: number): string[] {
  return Array.from({ length: size }, (_, k) => HOSTILE[k - 2] ?? `model-${k}`);
}

/** What a search over so many models could leave behind; figures are random and differ from each other. */
export function searchDocument(size: number, changes: Partial<SearchReport> = {}): SearchReport {
  const random = new Random(size);
  const score = () => 0.5 + random.below(200) / SAMPLES;
  const ids = modelNames(size);
  const soup = (count: number) => {
    const models = random.subset(size, Math.min(count, size)).map((k) => ids[k] as string);
    return { models, weights: models.map(() => 1 / models.length) };
  };
  const scores = ids.map(score);
  const candidates = Array.from({ length: size < 2 ? 0 : 60 }, (_, at) => ({
    ...soup(2 + random.below(Math.max(1, size - 1))),
    approxScore: score(),
    rank: at + 1,
    ...(at < 10 && (at % 3 === 2 ? { valScoreAtMost: score(), samples: 64 } : { valScore: score() })),
  }));
  const interval = { lower: 0.8, upper: 0.9 };
  const tests = { pValue: 0.0123, midPValue: 0.01, difference: 0.031, lower: 0.011, upper: 0.052 };
  const split = {
    samples: SAMPLES,
    interval,
    versusBestIndividual: { onlyBest: 30, onlyBestIndividual: 14, ...tests },
  };
  return {
    schema: 'radin-search-1',
    method: 'adaptive',
    best: { ...soup(3), approxScore: 0.861, rank: 1, valScore: 0.854, testScore: 0.8425 },
    bestIndividual: {
      models: [ids[0] as string],
      weights: [1],
      approxScore: 0.823,
      rank: 1,
      valScore: 0.823,
      testScore: 0.8125,
    },
    statistics: { confidence: 0.95, winnersCurse: 0.0041, validation: split, test: split },
    curve: [0, 1, 4, 9].map((evaluations) => ({
      evaluations,
      ...soup(evaluations + 1),
      valScore: 0.823 + evaluations / 1000,
      passes: evaluations / 2,
    })),
    evaluations: 10,
    passes: 5.25,
    pool: { models: size, samples: SAMPLES, classes: 7 },
    models: ids.map((model, k) => ({ model, valScore: scores[k] as number, distance: 1 + k / 10 })),
    disagreement: {
      samples: SAMPLES,
      counts: ids.map((_, k) => Array.from({ length: k }, () => 1 + random.below(SAMPLES / 2))),
    },
    budget: 10,
    lambda: 0,
    estimate: { name: 'composite', temperature: 'none', smoothing: 0.25 },
    sampler: 'forward,top-k',
    seed: 3,
    racing: 'exact',
    metric: 'accuracy',
    notices: ['all are taken'],
    scored: candidates.length,
    candidates,
    explanation: {
      method: 'sampled',
      subsets: 1000,
      ensembleScore: 0.87,
      emptyScore: 0.7,
      inclusionAmong: { best: 1, candidates: 60 },
      models: ids.map((model, k) => ({
        model,
        score: scores[k] as number,
        shapley: 0.05 - k / 1000,
        shapleyError: 0.001,
        leaveOneOut: k / 5000,
        inclusion: 0.5,
        expectedInclusion: 0.4,
      })),
      helpfulPairs: [],
      harmfulPairs: [],
    },
    versions: { radin: '0.1.0' },
    ...changes,
  };
}

/** What a comparison at B = 1, 5 and 10 could leave behind. */
export function comparisonDocument(size: number): ComparisonReport {
  const { schema: _, ...search } = searchDocument(size);
  const { best, pool, models, disagreement, curve = [], sampler, seed, metric, notices, versions } = search;
  const interval = { lower: 0.8, upper: 0.9 };
  const versus = {
    onlyFirst: 30,
    onlySecond: 14,
    pValue: 0.0123,
    midPValue: 0.01,
    difference: 0.03,
    lower: 0.01,
    upper: 0.05,
  };
  const statistics = { interval, versusBestIndividual: versus, versusGreedy: { ...versus, pValue: 0.4 } };
  const soup = { models: best.models, weights: best.weights };
  const names = models.map(({ model }) => model);
  const rows = [1, 5, 10].flatMap((budget) =>
    ['best-individual', 'greedy', 'radin', 'adaptive', 'oracle'].map((method, at) => ({
      method,
      budget,
      valScore: 0.8 + (budget + at) / 1000,
      testScore: 0.79 + (budget - at) / 1000,
      evaluations: budget,
      ...soup,
      statistics: { validation: statistics, test: statistics },
      ...(method === 'adaptive' && {
        curve: curve.filter(({ evaluations }) => evaluations <= budget),
        passes: budget / 2,
      }),
      ...(method === 'greedy' && {
        trace: names
          .slice(0, budget)
          .map((model, step) => ({ model, valScore: 0.8 + step / 1000, kept: step % 2 === 0 })),
      }),
    })),
  );
  return {
    schema: 'radin-comparison-1',
    pool,
    metric,
    budgets: [1, 5, 10],
    candidates: 200,
    sampler,
    seed,
    notices,
    models,
    ...(disagreement && { disagreement }),
    written: { method: 'adaptive', budget: 10 },
    rows,
    versions,
  };
}
