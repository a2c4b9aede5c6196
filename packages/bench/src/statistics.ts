import { Random } from '@radin/core';

/** Up to so many pairs, all 2^n sign patterns are counted; beyond, so many random ones. */
const EXACT_PAIRS = 20;
const DRAWS = 2 ** 16;

export function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean of independent values: sample deviation / √n; 0 for fewer than two. */
export function standardError(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = Array.from(values).reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/**
 * Two-sided p-value of the paired sign-flip test: how often a mean at least as far from zero comes out when every
 * difference may as well have had the other sign. Exact for up to 20 differences that are not zero, else from 65,536 draws
 * with a fixed seed. 1 where nothing differs.
 */
export function signFlipTest(differences: ArrayLike<number>): number {
  const sizes = Array.from(differences)
    .filter((difference) => difference !== 0)
    .map(Math.abs);
  const observed = Math.abs(Array.from(differences).reduce((sum, difference) => sum + difference, 0));
  // Sums of the same numbers in another order differ in their last bits.
  const least = observed - 1e-12 * sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length === 0) return 1;
  return sizes.length <= EXACT_PAIRS ? exactShare(sizes, least) : drawnShare(sizes, least);
}

/** Gray code: each pattern differs from the one before in one sign. */
function exactShare(sizes: readonly number[], least: number): number {
  const signs = sizes.map(() => 1);
  const patterns = 2 ** sizes.length;
  let sum = sizes.reduce((total, size) => total + size, 0);
  let extreme = sum >= least ? 1 : 0;
  for (let pattern = 1; pattern < patterns; pattern++) {
    const flipped = 31 - Math.clz32(pattern & -pattern);
    signs[flipped] = -(signs[flipped] as number);
    sum += 2 * (signs[flipped] as number) * (sizes[flipped] as number);
    if (Math.abs(sum) >= least) extreme++;
  }
  return extreme / patterns;
}

/** The observed pattern is one of those counted, so that no p-value is 0. */
function drawnShare(sizes: readonly number[], least: number): number {
  const random = new Random(0);
  let extreme = 1;
  for (let draw = 0; draw < DRAWS; draw++) {
    const sum = sizes.reduce((total, size) => total + (random.below(2) === 0 ? size : -size), 0);
    if (Math.abs(sum) >= least) extreme++;
  }
  return extreme / (DRAWS + 1);
}
