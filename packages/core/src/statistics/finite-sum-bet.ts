/** Shares of the largest stake; together they suit differences from a few samples in a thousand to every other one. */
const STAKES = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32];

/**
 * Evidence that M numbers in [−1, 1] have a sum above 0, from some of them, drawn in random order without replacement.
 *
 * If the sum is at most 0, the next number is expected to be at most m = −(sum so far) / (numbers left), so a game that
 * pays 1 + λ (x − m) for each unit, 0 ≤ λ ≤ ½, is unfavourable whatever was drawn before: the capital of a player who
 * starts with 1 is a non-negative supermartingale, and the probability that it *ever* reaches 1/α is at most α (Ville's
 * inequality; for this way of drawing: Waudby-Smith and Ramdas 2020). The test may therefore be looked at after every
 * number, and stopped at any time. The mean over several λ is such a capital too.
 */
export class FiniteSumBet {
  readonly #capitals = STAKES.map(() => 1);
  #left: number;
  #sum = 0;

  /** @param count M, how many numbers there are in all */
  constructor(count: number) {
    this.#left = count;
  }

  /** Numbers still to come. */
  get left(): number {
    return this.#left;
  }

  /** @param x the next number, in [−1, 1] */
  add(x: number): void {
    // |m| ≤ 1 holds for what is expected of a number in [−1, 1], and keeps every payment at 0 or more.
    const expected = Math.min(1, Math.max(-1, -this.#sum / this.#left));
    for (const [index, stake] of STAKES.entries()) {
      this.#capitals[index] = (this.#capitals[index] as number) * (1 + stake * (x - expected));
    }
    this.#sum += x;
    this.#left--;
  }

  /** The capital: at most 1/α with probability 1 − α over the order, at all times, if the sum of all M is at most 0. */
  get evidence(): number {
    return this.#capitals.reduce((sum, capital) => sum + capital, 0) / STAKES.length;
  }
}
