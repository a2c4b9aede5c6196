/** Interquartile ranges below the lower quartile from which a score is an outlier: Tukey's “far out”. */
const FAR = 3;
/** More outliers are a group. */
const MOST_SHARE = 0.25;

/**
 * Where an axis of scores begins when a few that are far below the others would take most of its length; they are drawn at its end.
 * @param scores of models, sorted, highest first @returns undefined where all have room
 */
export function axisOfMost(scores: readonly number[]): { readonly low: number; readonly high: number } | undefined {
  const at = (share: number) => scores[Math.round(share * (scores.length - 1))] as number;
  const fence = at(0.75) - FAR * (at(0.25) - at(0.75));
  const others = scores.filter((score) => score >= fence);
  const outliers = scores.length - others.length;
  const [high, low, lowest] = [others[0], others.at(-1), scores.at(-1)] as [number, number, number];
  if (outliers === 0 || outliers > MOST_SHARE * scores.length || high === low) return undefined;
  if (high - lowest < 2 * (high - low)) return undefined;
  const margin = 0.08 * (high - low);
  return { low: low - margin, high: high + margin };
}
