/** Ranks of numbers, and how many share each. */
export interface Ranks {
  /** From 1; equal numbers share the mean of theirs. */
  readonly ranks: Float64Array;
  /** Σ (t³ − t) over the groups of t equal numbers: 0 where all differ. */
  readonly ties: number;
}

export function ranksOf(values: ArrayLike<number>): Ranks {
  const order = Array.from(values, (_, index) => index).sort((i, j) => (values[i] as number) - (values[j] as number));
  const ranks = new Float64Array(values.length);
  let ties = 0;
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end] as number] === values[order[first] as number]) end++;
    for (const index of order.slice(first, end)) ranks[index] = (first + 1 + end) / 2;
    ties += (end - first) ** 3 - (end - first);
    first = end;
  }
  return { ranks, ties };
}
