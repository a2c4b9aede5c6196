/** Exponents between which one is looked for: below the first a scale would show noise as difference. */
const [LEAST, MOST] = [0.2, 1];
/** Where a legend has its figures. */
const TICKS = [0.1, 0.35, 0.6, 0.8, 1];

/** Shares by colour: `((share − low) / (high − low)) ** exponent` is the place on the scale. */
export interface HeatScale {
  readonly low: number;
  readonly exponent: number;
  /** The share in the middle of the scale. */
  readonly middle: number;
  /** Shares for a legend, rounded, spread over the scale. */
  readonly ticks: readonly number[];
}

/**
 * A power scale on which the median of shares stands in the middle, as near as an exponent from 0.2 to 1 brings it: a few models that
 * disagree with all others leave the rest its contrast.
 */
export function heatScale(shares: readonly number[]): HeatScale {
  const sorted = shares.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const median = sorted[sorted.length >> 1] ?? 0;
  if (low === high) return { low, exponent: 1, middle: low, ticks: [low] };
  const exponent = Math.log(0.5) / Math.log((median - low) / (high - low));
  const bounded = Number(Math.min(MOST, Math.max(LEAST, Number.isNaN(exponent) ? MOST : exponent)).toFixed(2));
  const at = (place: number) => low + (high - low) * place ** (1 / bounded);
  const ticks = TICKS.map((place) => Number(at(place).toPrecision(2))).filter((share) => share > low && share <= high);
  return { low, exponent: bounded, middle: at(0.5), ticks: [...new Set(ticks)] };
}
