/** Sums of one number per subset of [0, N) over the subsets that contain given members. */
export interface MemberSums {
  /** Over all subsets, the empty one included. */
  readonly total: number;
  /** Shape [N]: over the subsets with k. */
  readonly single: Float64Array;
  /** Shape [N, N]: over the subsets with both i and j; 0 on the diagonal. */
  readonly pair: Float64Array;
}

/**
 * Sums over all 2^N subsets, for each member and each pair of members. The array is folded in half along one member after
 * the other, so all pairs together cost about 4 · 2^N additions, where a loop for each of them would take N² / 2 times as many as
 * there are subsets.
 * @param values shape [2^N], bit k of the index: k is in the subset. Overwritten.
 */
export function memberSums(size: number, values: Float64Array): MemberSums {
  const single = new Float64Array(size);
  const pair = new Float64Array(size * size);
  for (let i = size - 1; i >= 0; i--) {
    const half = 2 ** i;
    fold(values, half);
    // What is above `half` is not needed any more: those are the subsets with i, over the members below i.
    const withI = values.subarray(half, 2 * half);
    for (let j = i - 1; j >= 0; j--) {
      const sum = fold(withI, 2 ** j);
      pair[i * size + j] = sum;
      pair[j * size + i] = sum;
    }
    single[i] = withI[0] as number;
  }
  return { total: values[0] as number, single, pair };
}

/** Adds the second `half` numbers to the first. @returns the sum of the second half */
function fold(values: Float64Array, half: number): number {
  let sum = 0;
  for (let at = 0; at < half; at++) {
    const upper = values[half + at] as number;
    sum += upper;
    values[at] = (values[at] as number) + upper;
  }
  return sum;
}
