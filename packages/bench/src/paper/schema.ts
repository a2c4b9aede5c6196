import { z } from 'zod';
import { PAPER_METHODS, PAPER_SCHEMA, type PaperResult } from './result.js';

/** Bounds far beyond any run: what is above is no document of one. */
const LONGEST_TEXT = 10_000;
const MOST_MODELS = 10_000;
const MOST_ITEMS = 1_000_000;
const MOST_SECONDS = 1e9;

const text = z.string().max(LONGEST_TEXT);
const count = z.number().int().nonnegative();
const positive = count.check(z.positive());
const share = z.number().min(0).max(1);
const amount = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER);
const seconds = z.number().nonnegative().max(MOST_SECONDS);
const method = z.enum(PAPER_METHODS);
const budget = positive.nullable();
/** A test's; smaller than any double is 0. */
const p = share;

function list<Item extends z.ZodType>(item: Item, most = MOST_ITEMS) {
  return z.array(item).max(most).readonly();
}

function spread<Value extends z.ZodType<number>>(value: Value) {
  return z.object({ mean: value, deviation: amount, min: value, max: value });
}

const scores = spread(share);
const amounts = spread(amount);
const interval = z.object({ lower: share, upper: share });
const rho = z.number().min(-1).max(1);
const correlation = z.object({ rho: rho.nullable(), p: p.nullable(), lower: rho, upper: rho });
const significant = z.object({ better: count, worse: count, neither: count });
const discordance = z.object({ onlyThis: count, onlyOther: count, p });
const members = list(count, MOST_MODELS).check(z.minLength(1));

const sizeTest = z.object({
  few: count,
  counts: z.object({ few: count, many: count }),
  means: z.object({ few: share, many: share }),
  u: amount,
  p: p.nullable(),
  superiority: share,
  method: z.enum(['exact', 'asymptotic']),
});

const sizes = list(
  z.object({
    models: positive,
    count: positive,
    mean: share,
    lower: share,
    firstQuartile: share,
    median: share,
    thirdQuartile: share,
    upper: share,
  }),
  MOST_MODELS,
).check(z.minLength(1));

const row = z.object({
  method,
  budget,
  runs: positive,
  models: amounts,
  validation: scores,
  test: scores.exactOptional(),
  interval,
  gap: spread(z.number().min(-1).max(1)).exactOptional(),
  evaluations: amounts,
  passes: amounts,
  stage1Seconds: spread(seconds),
  evaluationSeconds: seconds.nullable(),
  versusBestIndividual: significant.exactOptional(),
  versusGreedy: significant.exactOptional(),
});

const run = z.object({
  method,
  budget,
  seed: count.nullable(),
  models: members,
  weights: list(share, MOST_MODELS).exactOptional(),
  validation: share,
  test: share.exactOptional(),
  validationInterval: interval,
  testInterval: interval.exactOptional(),
  evaluations: amount,
  passes: amount,
  stage1Seconds: seconds,
  versusBestIndividual: discordance.exactOptional(),
  versusGreedy: discordance.exactOptional(),
});

const seed = z.object({
  seed: count,
  count: positive,
  withoutPrior: correlation,
  withPrior: correlation,
  sizeTest: sizeTest.exactOptional(),
  candidates: list(
    z.object({ models: members, approx: share, validation: share, test: share.exactOptional() }),
  ).exactOptional(),
});

const curve = z.object({
  method,
  points: list(z.object({ budget: positive, validation: scores, test: scores.exactOptional(), passes: amount })),
});

const document = z.object({
  experiment: z.literal('paper'),
  schema: z.literal(PAPER_SCHEMA),
  environment: z.object({
    cpu: text,
    cores: count,
    caches: list(text, 100),
    memoryBytes: count,
    os: text,
    node: text,
    compiler: text,
    backend: text,
    peers: z.record(text, text).exactOptional(),
    commit: text,
  }),
  pool: z.object({
    name: text,
    content: text,
    models: list(text, MOST_MODELS).check(z.minLength(1)),
    classes: positive,
    metric: z.literal('accuracy'),
    samples: z.object({ validation: positive, test: positive.exactOptional() }),
  }),
  settings: z.object({
    budgets: list(positive, 1000).check(z.minLength(1)),
    seeds: positive.check(z.lte(1000)),
    candidates: positive,
    includeUniform: z.boolean(),
    lambda: z.number().nonnegative().max(1e6),
    curveBudget: positive.check(z.lte(10_000)),
    confidence: share,
  }),
  reported: z.enum(['test', 'validation']),
  cost: z.object({
    soups: count,
    evaluated: count,
    threads: positive,
    secondsPerEvaluation: seconds.nullable(),
    measured: count,
    geometrySeconds: seconds,
  }),
  rows: list(row),
  runs: list(run),
  seeds: list(seed, 1000).check(z.minLength(1)),
  pooled: z.object({
    count: positive,
    withoutPrior: correlation,
    withPrior: correlation,
    rhoWithoutPrior: spread(rho).nullable(),
    rhoWithPrior: spread(rho).nullable(),
    sizeTest: sizeTest.exactOptional(),
  }),
  ranks: list(z.object({ rank: positive, withoutPrior: scores, withPrior: scores }), 10_000).check(z.minLength(1)),
  curves: list(curve, PAPER_METHODS.length),
  sizes,
  allSubsets: z
    .object({
      count: positive,
      withoutPrior: correlation,
      withPrior: correlation,
      sizeTest: sizeTest.exactOptional(),
      sizes,
    })
    .exactOptional(),
  notices: list(text, 10_000),
});

/** What the parts of a document must have in common. */
function* contradictions(result: PaperResult): Generator<{ message: string; path: (string | number)[] }> {
  const { pool, reported, settings, rows, runs, seeds, curves } = result;
  const isTest = reported === 'test';
  if (isTest !== (pool.samples.test !== undefined))
    yield { message: 'expected test where there are test samples', path: ['reported'] };
  if (settings.budgets.some((budget, index) => budget <= (settings.budgets[index - 1] ?? 0)))
    yield { message: 'expected ascending budgets', path: ['settings', 'budgets'] };
  if (seeds.length !== settings.seeds)
    yield { message: 'expected an entry for each of settings.seeds', path: ['seeds'] };
  if (seeds[0]?.candidates?.length !== seeds[0]?.count)
    yield { message: 'expected as many as its count', path: ['seeds', 0, 'candidates'] };
  if (!rows.some((one) => one.method === 'best-individual'))
    yield { message: 'expected the best individual among them', path: ['rows'] };
  for (const [index, { points }] of curves.entries()) {
    if (points.length !== settings.curveBudget)
      yield { message: 'expected a point for each evaluation up to curveBudget', path: ['curves', index, 'points'] };
  }
  const tested = (items: readonly { readonly test?: unknown }[], path: (string | number)[]) =>
    items.flatMap(({ test }, index) =>
      (test !== undefined) === isTest
        ? []
        : [{ message: `expected a score on ${reported} and no other`, path: [...path, index, 'test'] }],
    );
  yield* tested(rows, ['rows']);
  yield* tested(runs, ['runs']);
  for (const [index, { points }] of curves.entries()) yield* tested(points, ['curves', index, 'points']);
  for (const [index, { candidates = [] }] of seeds.entries()) {
    yield* tested(candidates, ['seeds', index, 'candidates']);
    yield* strangers(candidates, pool.models.length, ['seeds', index, 'candidates']);
  }
  yield* strangers(runs, pool.models.length, ['runs']);
  for (const [index, { models, weights }] of runs.entries()) {
    if (weights !== undefined && weights.length !== models.length)
      yield { message: 'expected as many weights as models', path: ['runs', index, 'weights'] };
  }
}

/** Soups of models that the pool does not have, or that have one twice. */
function* strangers(soups: readonly { readonly models: readonly number[] }[], size: number, path: (string | number)[]) {
  for (const [index, { models }] of soups.entries()) {
    if (models.some((model) => model >= size) || new Set(models).size < models.length)
      yield { message: `expected different models below ${size}`, path: [...path, index, 'models'] };
  }
}

/** `paper.json`, whose contents are not trusted. */
export const paperSchema: z.ZodType<PaperResult> = document.check((context) => {
  for (const { message, path } of contradictions(context.value)) {
    context.issues.push({ code: 'custom', message, path, input: undefined });
    return;
  }
});
