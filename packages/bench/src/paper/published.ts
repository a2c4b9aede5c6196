/** What the paper reports, to be read beside a pool's own figures. */

/** Test accuracy in percent of N = 13 models at B = 1 and B = 25 (RADIN, Table 1). */
export const PUBLISHED_SCORES = [
  { method: 'greedy', cifar10: { 1: 98.17, 25: 98.58 }, imageNet: { 1: 74.99, 25: 78.418 } },
  { method: 'radin', cifar10: { 1: 98.51, 25: 98.62 }, imageNet: { 1: 77.962, 25: 78.698 } },
  { method: 'radin-prior', cifar10: { 1: 98.52, 25: 98.58 }, imageNet: { 1: 78.208, 25: 78.562 } },
  { method: 'oracle', cifar10: { 1: 98.62, 25: 98.62 }, imageNet: { 1: 78.726, 25: 78.726 } },
] as const;

/** Spearman’s ρ of the estimate on validation and the real test accuracy of 200 soups, CIFAR-10 (RADIN, Fig. 2). */
export const PUBLISHED_RHO = { withoutPrior: 0.6968, withPrior: 0.5625 };

/** Mann-Whitney U of soups of more than 6 of 13 models against the rest (RADIN, Fig. 5, printed as 1.034e10 − 9). */
export const PUBLISHED_SIZE_P = 1.034e-9;
