import { fairBinomialMass, fairBinomialTail } from './binomial.js';

/** Whether two predictors differ on the same samples: only samples that one gets right and the other wrong can tell. */
export interface McNemar {
  /** Samples that only the first predictor gets right. */
  readonly onlyFirst: number;
  /** Samples that only the second gets right. */
  readonly onlySecond: number;
  /** Exact two-sided p-value: of a fair coin thrown once for each of those samples. Never too small, on average too large. */
  readonly pValue: number;
  /** The same with half of the observed outcome's probability: closer to the nominal level, but not bounded by it. */
  readonly midPValue: number;
}

/**
 * The exact test of McNemar from the discordant counts, integers ≥ 0 (McNemar 1947; mid-p: Fagerland, Lydersen and Laake
 * 2013). It knows nothing of how the two were chosen: the p-value of a soup that was the best of many on these samples is
 * too small.
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const [fewer, n] = [Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond];
  const tail = fairBinomialTail(fewer, n);
  return {
    onlyFirst,
    onlySecond,
    pValue: Math.min(1, 2 * tail),
    midPValue: Math.min(1, 2 * tail - fairBinomialMass(fewer, n)),
  };
}
