import { CONFIDENCE, type Mixture, mcnemar, oracle, type SearchResult, wilsonInterval } from '@radin/core';
import { RecordedScorer } from '../soups/recorded-scorer.js';
import type { SplitReplay } from '../soups/split-replay.js';
import type { PaperBench } from './bench.js';
import { METHODS, type Method } from './methods.js';
import type { Discordance, PaperMethod, PaperRun } from './result.js';

/** Seconds of the clock are no finer than this. */
const SECOND_DIGITS = 6;
/** Searches that are timed; the fastest is the least disturbed by other work and by code that has not been compiled yet. */
const REPEATS = 3;

/** A run with what tests of it need. */
export interface Chosen {
  readonly method: PaperMethod;
  readonly budget: number | null;
  readonly seed: number | null;
  readonly mixture: Mixture;
  readonly evaluations: number;
  readonly passes: number;
  readonly stage1Seconds: number;
}

/**
 * What every method chooses at every budget and seed by validation, and the oracle by test.
 * @param candidates the mixtures of each seed
 */
export async function tableChoices(
  bench: PaperBench,
  candidates: readonly (readonly Mixture[])[],
): Promise<{ chosen: Chosen[]; notices: string[] }> {
  const chosen: Chosen[] = [];
  const notices = new Set<string>();
  for (const method of METHODS) {
    for (const budget of method.budgeted ? bench.choices.budgets : [null]) {
      for (const seed of method.draws ? candidates.keys() : [null]) {
        const found = await chooseTimed(bench, method, budget, seed);
        for (const notice of found.notices) notices.add(notice);
        chosen.push(found);
      }
    }
    bench.progress(`${method.title}: done`);
  }
  if (bench.test !== undefined) {
    for (const [seed, mixtures] of candidates.entries())
      chosen.push(await oracleOf(bench.test, seed, mixtures, bench.testPasses));
  }
  return { chosen, notices: [...notices] };
}

/** What a method chooses, with the shortest stage 1 of several searches, which all choose the same. */
async function chooseTimed(bench: PaperBench, method: Method, budget: number | null, seed: number | null) {
  let fastest = await choose(bench, method, budget, seed);
  for (let repeat = 1; repeat < REPEATS; repeat++) {
    const again = await choose(bench, method, budget, seed);
    if (again.stage1Seconds < fastest.stage1Seconds) fastest = again;
  }
  return fastest;
}

async function choose(
  bench: PaperBench,
  method: Method,
  budget: number | null,
  seed: number | null,
): Promise<Chosen & { readonly notices: readonly string[] }> {
  const replay = await bench.validation.fresh();
  try {
    const settings = bench.settings(seed ?? 0, budget ?? 1);
    const recorded = new RecordedScorer(replay, settings.budget);
    const start = performance.now();
    const { best, evaluations, notices } = await method.search(recorded, settings);
    const seconds = (performance.now() - start) / 1000 - recorded.seconds;
    return {
      method: method.name,
      budget,
      seed,
      mixture: best.mixture,
      evaluations,
      passes: recorded.passes + (method.needsPasses ? bench.poolSize : 0),
      stage1Seconds: rounded(seconds + (method.name === 'adaptive' ? bench.geometrySeconds : 0)),
      notices,
    };
  } finally {
    await replay.dispose();
  }
}

async function oracleOf(
  test: SplitReplay,
  seed: number,
  mixtures: readonly Mixture[],
  testPasses: number,
): Promise<Chosen> {
  const { best, evaluations }: SearchResult = await oracle(test, mixtures);
  return {
    method: 'oracle',
    budget: null,
    seed,
    mixture: best.mixture,
    evaluations,
    passes: evaluations * testPasses,
    stage1Seconds: 0,
  };
}

/** The choices with their scores, intervals and tests. */
export async function describedRuns(bench: PaperBench, chosen: readonly Chosen[]): Promise<PaperRun[]> {
  const reported = bench.test ?? bench.validation;
  const largest = bench.choices.budgets.at(-1) as number;
  const bits = (run: Chosen, split: SplitReplay) =>
    run.method === 'logit-ensemble' ? split.approxCorrect(run.mixture) : split.correct(run.mixture);
  const other = (method: PaperMethod, budget: number | null) =>
    chosen.find((run) => run.method === method && run.budget === budget) as Chosen;
  const runs: PaperRun[] = [];
  for (const run of chosen) {
    const { method, budget, seed, mixture, evaluations, passes, stage1Seconds } = run;
    const [validation, test] = [await bits(run, bench.validation), bench.test && (await bits(run, bench.test))];
    const own = test ?? validation;
    const versus = async (compared: Chosen) => discordance(own, await bits(compared, reported));
    runs.push({
      method,
      budget,
      seed,
      models: mixture.ingredients,
      ...(!mixture.uniform && { weights: mixture.ingredients.map((model) => mixture.weights[model] as number) }),
      validation: share(validation),
      ...(test && { test: share(test) }),
      validationInterval: intervalOf(validation),
      ...(test && { testInterval: intervalOf(test) }),
      evaluations,
      passes,
      stage1Seconds,
      ...(method !== 'best-individual' && { versusBestIndividual: await versus(other('best-individual', null)) }),
      ...(method !== 'greedy' && { versusGreedy: await versus(other('greedy', budget ?? largest)) }),
    });
  }
  return runs;
}

function discordance(own: Uint8Array, other: Uint8Array): Discordance {
  let [onlyThis, onlyOther] = [0, 0];
  for (const [sample, right] of own.entries()) {
    const otherRight = other[sample] as number;
    onlyThis += right & (otherRight ^ 1);
    onlyOther += otherRight & (right ^ 1);
  }
  return { onlyThis, onlyOther, p: mcnemar(onlyThis, onlyOther).pValue };
}

function intervalOf(bits: Uint8Array) {
  return wilsonInterval(count(bits), bits.length, CONFIDENCE);
}

function share(bits: Uint8Array): number {
  return count(bits) / bits.length;
}

function count(bits: Uint8Array): number {
  return bits.reduce((sum, bit) => sum + bit, 0);
}

function rounded(seconds: number): number {
  return Number(Math.max(0, seconds).toFixed(SECOND_DIGITS));
}
