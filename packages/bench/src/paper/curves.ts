import type { CurvePoint, Mixture, SearchResult } from '@radin/core';
import { RecordedScorer } from '../soups/recorded-scorer.js';
import type { PaperBench } from './bench.js';
import { METHODS, type Method } from './methods.js';
import { CURVE_BUDGET } from './options.js';
import type { BudgetCurve } from './result.js';
import { spreadOf } from './spread.js';

const DRAWN_METHODS = ['greedy', 'radin', 'radin-prior', 'adaptive'];

/** A choice after each number of evaluations from 1 on, and what they cost in passes. */
interface Choices {
  readonly mixtures: readonly Mixture[];
  readonly passes: readonly number[];
}

/** What each method has chosen after 1, 2, … evaluations, over the seeds (RADIN, Fig. 4). */
export async function budgetCurves(bench: PaperBench, seeds: number): Promise<BudgetCurve[]> {
  const curves: BudgetCurve[] = [];
  for (const method of METHODS.filter(({ name }) => DRAWN_METHODS.includes(name))) {
    const choices: Choices[] = [];
    for (let seed = 0; seed < (method.draws ? seeds : 1); seed++) {
      choices.push(method.name === 'greedy' ? await walk(bench, method) : await prefixes(bench, method, seed));
    }
    const scores = async (of: (mixtures: readonly Mixture[]) => Promise<number[]>) =>
      Promise.all(choices.map(({ mixtures }) => of(mixtures)));
    const { validation: chosenBy, test: unseen } = bench;
    const validation = await scores((mixtures) => chosenBy.scores(mixtures));
    const test = unseen && (await scores((mixtures) => unseen.scores(mixtures)));
    const at = (all: readonly (readonly number[])[], index: number) =>
      spreadOf(all.map((values) => values[index] as number));
    curves.push({
      method: method.name,
      points: Array.from({ length: CURVE_BUDGET }, (_, index) => ({
        budget: index + 1,
        validation: at(validation, index),
        ...(test && { test: at(test, index) }),
        passes: at(
          choices.map(({ passes }) => passes),
          index,
        ).mean,
      })),
    });
    bench.progress(`curve of ${method.title}: done`);
  }
  return curves;
}

/** Greedy's soup after B steps is another search for each B; remembered, that costs nothing. */
async function walk(bench: PaperBench, method: Method): Promise<Choices> {
  const mixtures: Mixture[] = [];
  const passes: number[] = [];
  for (let budget = 1; budget <= CURVE_BUDGET; budget++) {
    const recorded = new RecordedScorer(bench.validation, budget);
    const { best } = await method.search(recorded, bench.settings(0, budget));
    mixtures.push(best.mixture);
    passes.push(bench.poolSize + recorded.passes);
  }
  return { mixtures, passes };
}

/** The others' choice at B is the best of the first B evaluations of a search with the largest budget. */
async function prefixes(bench: PaperBench, method: Method, seed: number): Promise<Choices> {
  const recorded = new RecordedScorer(bench.validation, CURVE_BUDGET);
  const { curve }: SearchResult = await method.search(recorded, bench.settings(seed, CURVE_BUDGET));
  const budgets = Array.from({ length: CURVE_BUDGET }, (_, index) => index + 1);
  return {
    mixtures: budgets.map((budget) => choiceAt(curve as readonly CurvePoint[], budget)),
    passes: budgets.map((budget) => {
      return recorded.costs.slice(0, budget).reduce((sum, cost) => sum + cost, bench.poolSize);
    }),
  };
}

function choiceAt(curve: readonly CurvePoint[], budget: number): Mixture {
  return curve.findLast(({ evaluations }) => evaluations <= budget)?.best.mixture as Mixture;
}
