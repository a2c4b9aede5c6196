/** Times of one contender, in seconds. */
export interface Timing {
  readonly name: string;
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
}

/**
 * Times contenders in turn, A B A B …, after one warm-up of each, so that a machine whose speed drifts slows all alike.
 * @param rounds counted runs of each
 */
export async function interleave(
  contenders: readonly { readonly name: string; readonly run: () => Promise<void> }[],
  rounds: number,
): Promise<Timing[]> {
  const times = contenders.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++) {
    for (const [index, { run }] of contenders.entries()) {
      const start = performance.now();
      await run();
      if (round >= 0) times[index]?.push((performance.now() - start) / 1000);
    }
  }
  return contenders.map(({ name }, index) => {
    const sorted = (times[index] ?? []).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    return { name, median: at(0.5), fastest: at(0), slowest: at(1) };
  });
}
