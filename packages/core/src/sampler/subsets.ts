/** All 2^N − 1 non-empty subsets of [0, N), N ≤ 30, smaller ones first, then in the order of their members. */
export function* subsets(count: number): Generator<number[]> {
  for (let size = 1; size <= count; size++) yield* subsetsOfSize(count, size);
}

/** The subsets of `size` members in lexicographic order: the last member that can still grow does, the ones after it follow. */
function* subsetsOfSize(count: number, size: number): Generator<number[]> {
  const members = Array.from({ length: size }, (_, index) => index);
  for (;;) {
    yield [...members];
    const grows = members.findLastIndex((member, index) => member < count - size + index);
    if (grows < 0) return;
    const next = (members[grows] as number) + 1;
    for (let index = grows; index < size; index++) members[index] = next + index - grows;
  }
}
