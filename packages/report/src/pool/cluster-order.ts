/** Beyond this many items the order is left as it is: the time is that of the cube of their number. */
const MOST_ITEMS = 600;

/**
 * An order in which items that are close to each other stand together: the leaves of average-linkage clustering, in which of two
 * clusters the one with the first item comes first. Ties go to the earlier pair.
 * @param distance symmetric, of two indices below `size` @returns a permutation of the integers below `size`
 */
export function clusterOrder(size: number, distance: (i: number, j: number) => number): number[] {
  if (size > MOST_ITEMS) return [...Array(size).keys()];
  const members: number[][] = Array.from({ length: size }, (_, k) => [k]);
  const between = Float64Array.from({ length: size * size }, (_, at) => distance(Math.floor(at / size), at % size));
  const alive = [...Array(size).keys()];
  while (alive.length > 1) {
    const [i, j] = closest(alive, between, size);
    const [a, b] = [members[i] as number[], members[j] as number[]];
    for (const k of alive) {
      const mean =
        ((between[i * size + k] as number) * a.length + (between[j * size + k] as number) * b.length) /
        (a.length + b.length);
      between[i * size + k] = mean;
      between[k * size + i] = mean;
    }
    members[i] = [...a, ...b];
    alive.splice(alive.indexOf(j), 1);
  }
  return members[alive[0] ?? 0] ?? [];
}

function closest(alive: readonly number[], between: Float64Array, size: number): [number, number] {
  let [first, second, least] = [alive[0] as number, alive[1] as number, Number.POSITIVE_INFINITY];
  for (const [at, i] of alive.entries()) {
    for (let other = at + 1; other < alive.length; other++) {
      const j = alive[other] as number;
      const here = between[i * size + j] as number;
      if (here < least) [first, second, least] = [i, j, here];
    }
  }
  return [first, second];
}
