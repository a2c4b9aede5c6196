import { CONFIDENCE, type Mixture, mannWhitney, rankCandidates, spearman } from '@radin/core';
import type { Outcome } from '../soups/outcome.js';
import type { CandidateScores, Correlation, PooledCandidates, RankScores, SeedCandidates, SizeTest } from './result.js';
import { spreadOf } from './spread.js';

/** A soup with what stage 1 says of it and what it is worth. */
export interface ScoredSoup {
  readonly mixture: Mixture;
  readonly approx: number;
  readonly validation: number;
  readonly test: number | undefined;
  /** On the reported split. */
  readonly score: number;
}

/** How many of the samples a soup gets right, of the first M as the validation labels count, of the rest as the test's. */
export function countsOf(
  { right, rightAsObserved }: Outcome,
  validationSamples: number,
): { validation: number; test: number } {
  let [validation, test] = [0, 0];
  for (let sample = 0; sample < validationSamples; sample++) validation += rightAsObserved[sample] as number;
  for (let sample = validationSamples; sample < right.length; sample++) test += right[sample] as number;
  return { validation, test };
}

/** Spearman of the estimate, with λ for each model, and the real score. */
export function correlationOf(soups: readonly ScoredSoup[], lambda: number): Correlation {
  const estimates = soups.map(({ approx, mixture }) => approx + lambda * mixture.size);
  return correlation(
    estimates,
    soups.map(({ score }) => score),
  );
}

function correlation(estimates: ArrayLike<number>, scores: ArrayLike<number>): Correlation {
  const { rho, pValue, interval } = spearman(estimates, scores, CONFIDENCE);
  return { rho: finite(rho), p: finite(pValue), ...interval };
}

/** Soups of more than half of the pool's models against the rest (RADIN, Fig. 5). */
export function sizeTestOf(poolSize: number, soups: readonly { size: number; score: number }[]): SizeTest | undefined {
  const few = Math.floor(poolSize / 2);
  const [small, large] = [
    soups.filter(({ size }) => size <= few).map(({ score }) => score),
    soups.filter(({ size }) => size > few).map(({ score }) => score),
  ];
  if (small.length === 0 || large.length === 0) return undefined;
  const { u, pValue, superiority, method } = mannWhitney(large, small);
  return {
    few,
    counts: { few: small.length, many: large.length },
    means: { few: spreadOf(small).mean, many: spreadOf(large).mean },
    u,
    p: finite(pValue),
    superiority,
    method,
  };
}

export function seedCandidates(
  seed: number,
  poolSize: number,
  soups: readonly ScoredSoup[],
  lambda: number,
): SeedCandidates {
  const sizeTest = sizeTestOf(poolSize, sized(soups));
  return {
    seed,
    count: soups.length,
    withoutPrior: correlationOf(soups, 0),
    withPrior: correlationOf(soups, lambda),
    ...(sizeTest && { sizeTest }),
    candidates: soups.map(
      ({ mixture, approx, validation, test }): CandidateScores => ({
        models: mixture.ingredients,
        approx,
        validation,
        ...(test !== undefined && { test }),
      }),
    ),
  };
}

/** @param seeds the candidates of each seed @param distinct each candidate of any seed once */
export function pooledCandidates(
  poolSize: number,
  seeds: readonly SeedCandidates[],
  distinct: readonly ScoredSoup[],
  lambda: number,
): PooledCandidates {
  const sizeTest = sizeTestOf(poolSize, sized(distinct));
  const rhos = (of: (seed: SeedCandidates) => Correlation) => {
    const found = seeds.map((seed) => of(seed).rho).filter((rho) => rho !== null);
    return found.length > 0 ? spreadOf(found) : null;
  };
  return {
    count: distinct.length,
    withoutPrior: correlationOf(distinct, 0),
    withPrior: correlationOf(distinct, lambda),
    rhoWithoutPrior: rhos(({ withoutPrior }) => withoutPrior),
    rhoWithPrior: rhos(({ withPrior }) => withPrior),
    ...(sizeTest && { sizeTest }),
  };
}

/** Real scores by the place in the order of stage 1, over the seeds, as far as all have such a place (RADIN, Fig. 3). */
export function rankScores(seeds: readonly (readonly ScoredSoup[])[], lambda: number): RankScores[] {
  const ordered = (prior: number) => seeds.map((soups) => inOrder(soups, prior).map(({ score }) => score));
  const [without, withPrior] = [ordered(0), ordered(lambda)];
  const length = Math.min(...without.map((scores) => scores.length));
  const at = (orders: readonly (readonly number[])[], place: number) =>
    spreadOf(orders.map((scores) => scores[place] as number));
  return Array.from({ length }, (_, place) => ({
    rank: place + 1,
    withoutPrior: at(without, place),
    withPrior: at(withPrior, place),
  }));
}

function inOrder(soups: readonly ScoredSoup[], lambda: number): ScoredSoup[] {
  const byKey = new Map(soups.map((soup) => [soup.mixture.key, soup]));
  const approx = Float64Array.from(soups, (soup) => soup.approx);
  const ranked = rankCandidates(
    soups.map(({ mixture }) => mixture),
    approx,
    lambda,
  );
  return ranked.map(({ mixture }) => byKey.get(mixture.key) as ScoredSoup);
}

function sized(soups: readonly ScoredSoup[]): { size: number; score: number }[] {
  return soups.map(({ mixture, score }) => ({ size: mixture.size, score }));
}

/** JSON has no NaN. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
