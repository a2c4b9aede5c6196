import { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import type { Margins } from './ensemble-scores.js';
import type { SamplerContext } from './sampler.js';
import { compareScored, type Scored } from './scored.js';

/** What one row of margins at one node is estimated at. */
const SECONDS_PER_ROW = 1e-8;

/** Rows between two looks at the signal. */
const ROWS_BETWEEN_TURNS = 2 ** 21;

/** With so few models left to decide, all their subsets are scored: cheaper than bounding them. */
const MODELS_AT_LEAF = 4;

/** Subsets that wait to be scored in one call. */
const LEAVES_AT_ONCE = 256;

/** What a branch and bound found. */
export interface BoundedSearch {
  /** Scored subsets that were the best so far, the best first. */
  readonly found: readonly Scored[];
  /** No uniform subset scores above this; the best's score where the search is closed. */
  readonly bound: number;
  readonly isClosed: boolean;
}

/**
 * Branch and bound for the uniform subset with the most correct samples. A node decides the first models of a fixed order;
 * in each row the sum over its members can still fall by the negative and grow by the positive differences of the open
 * models, which decides rows and samples for good; samples left open count as right in the bound. Subsets at the leaves are
 * counted by native code, so sums near 0 are never decided here.
 * @param known scored subsets to start from, at least one
 */
export async function searchMargins(
  context: SamplerContext,
  margins: Margins,
  known: readonly Scored[],
): Promise<BoundedSearch> {
  const search = new MarginSearch(context, margins, known.toSorted(compareScored)[0] as Scored);
  await search.run();
  return search;
}

class MarginSearch implements BoundedSearch {
  readonly found: Scored[];
  readonly #context: SamplerContext;
  readonly #margins: Margins;
  readonly #models: readonly number[];
  readonly #sampleOf: Int32Array;
  /** Of each row: Σ over the members, and how far the open models can lower and raise it. */
  readonly #sum: Float64Array;
  readonly #fall: Float64Array;
  readonly #rise: Float64Array;
  /** Of each sample: rows in which a class surely beats the label. */
  readonly #beaten: Int32Array;
  #leaves: Mixture[] = [];
  readonly #effort: Effort;
  #rows = 0;
  /** Highest bound, in samples, of what was left undone. */
  #open = -1;

  constructor(context: SamplerContext, margins: Margins, start: Scored) {
    const { first, slack, differences } = margins;
    const rows = slack.length;
    this.#context = context;
    this.#margins = margins;
    this.#effort = new Effort(context, 'metric');
    this.found = [start];
    this.#sum = new Float64Array(rows);
    this.#fall = new Float64Array(rows);
    this.#rise = new Float64Array(rows);
    this.#sampleOf = new Int32Array(rows);
    this.#beaten = new Int32Array(first.length - 1);
    for (let sample = 0; sample + 1 < first.length; sample++)
      this.#sampleOf.fill(sample, first[sample], first[sample + 1]);
    const influence = Array.from({ length: context.poolSize }, (_, model) => {
      let total = 0;
      for (let row = 0; row < rows; row++) {
        const difference = differences[model * rows + row] as number;
        total += Math.abs(difference);
        if (difference < 0) this.#fall[row] = (this.#fall[row] as number) + difference;
        else this.#rise[row] = (this.#rise[row] as number) + difference;
      }
      return total;
    });
    // Models that move the sums most are decided first: the bounds of the others are narrow.
    this.#models = [...influence.keys()].sort((a, b) => (influence[b] as number) - (influence[a] as number) || a - b);
  }

  get isClosed(): boolean {
    return this.#open < 0;
  }

  get bound(): number {
    const best = this.#best.score;
    return this.isClosed ? best : Math.max(best, this.#scoreOf(this.#open));
  }

  async run(): Promise<void> {
    const { slack, first } = this.#margins;
    await this.#descend([], 0, Int32Array.from(slack.keys()), 0, first.length - 1);
    await this.#count();
  }

  get #best(): Scored {
    return this.found[0] as Scored;
  }

  #scoreOf(correct: number): number {
    const { metric, samples } = this.#context.ensemble;
    return metric.score(correct, samples);
  }

  /** @param rows those of undecided samples that are undecided, of which there are `undecided` @param right samples decided for good */
  async #descend(
    members: readonly number[],
    depth: number,
    rows: Int32Array,
    right: number,
    undecided: number,
  ): Promise<void> {
    const { withoutRows, complete } = this.#margins;
    const correct = right + undecided + withoutRows;
    if (this.#scoreOf(correct) <= this.#best.score) return;
    if (this.#effort.isSpent) {
      this.#open = Math.max(this.#open, correct);
      return;
    }
    const open = this.#models.slice(depth);
    if (undecided === 0 && complete) return this.#addLeaf([...members, ...open]);
    if (open.length <= MODELS_AT_LEAF) {
      for (let subset = 0; subset < 2 ** open.length; subset++) {
        await this.#addLeaf([...members, ...open.filter((_, index) => (subset >> index) & 1)]);
      }
      return;
    }
    const [model] = open as [number];
    for (const isMember of [true, false]) {
      await this.#takeTurn();
      this.#decide(model, rows, isMember, 1);
      const child = this.#classify(rows, right);
      await this.#descend(
        isMember ? [...members, model] : members,
        depth + 1,
        child.rows,
        child.right,
        child.undecided,
      );
      for (const row of child.beaten) {
        const sample = this.#sampleOf[row] as number;
        this.#beaten[sample] = (this.#beaten[sample] as number) - 1;
      }
      this.#decide(model, rows, isMember, -1);
    }
  }

  /** Takes a model out of the open ones, and back with `sign` −1. What rounding leaves behind is far below the slack. */
  #decide(model: number, rows: Int32Array, isMember: boolean, sign: 1 | -1): void {
    const { differences, slack } = this.#margins;
    const column = differences.subarray(model * slack.length, (model + 1) * slack.length);
    for (const row of rows) {
      const difference = sign * (column[row] as number);
      const isNegative = (column[row] as number) < 0;
      if (isNegative) this.#fall[row] = (this.#fall[row] as number) - difference;
      else this.#rise[row] = (this.#rise[row] as number) - difference;
      if (isMember) this.#sum[row] = (this.#sum[row] as number) + difference;
    }
    this.#rows += rows.length;
    this.#effort.spend(rows.length * SECONDS_PER_ROW);
  }

  /** What is left of these rows, which come sample by sample, and the rows that are newly lost. */
  #classify(
    rows: Int32Array,
    decided: number,
  ): { rows: Int32Array; beaten: number[]; right: number; undecided: number } {
    const { slack, top } = this.#margins;
    const left = new Int32Array(rows.length);
    const beaten: number[] = [];
    let [kept, right, undecided] = [0, decided, 0];
    for (let at = 0; at < rows.length; ) {
      const sample = this.#sampleOf[rows[at] as number] as number;
      const before = kept;
      for (; at < rows.length && this.#sampleOf[rows[at] as number] === sample; at++) {
        const row = rows[at] as number;
        const sum = this.#sum[row] as number;
        if (sum + (this.#fall[row] as number) > (slack[row] as number)) {
          beaten.push(row);
          this.#beaten[sample] = (this.#beaten[sample] as number) + 1;
        } else if (sum + (this.#rise[row] as number) >= -(slack[row] as number)) left[kept++] = row;
      }
      const lost = this.#beaten[sample] as number;
      if (lost >= top) kept = before;
      else if (lost + kept - before < top) {
        kept = before;
        right++;
      } else undecided++;
    }
    return { rows: left.slice(0, kept), beaten, right, undecided };
  }

  async #addLeaf(members: readonly number[]): Promise<void> {
    if (members.length === 0) return;
    this.#leaves.push(Mixture.uniform(this.#context.poolSize, members));
    if (this.#leaves.length >= LEAVES_AT_ONCE) await this.#count();
  }

  async #count(): Promise<void> {
    if (this.#leaves.length === 0) return;
    const [best] = (await this.#effort.score(this.#leaves)) as [Scored];
    this.#leaves = [];
    if (best.score > this.#best.score) this.found.unshift(best);
  }

  /** Lets the event loop turn now and then, for without that no signal is ever aborted. */
  async #takeTurn(): Promise<void> {
    if (this.#rows < ROWS_BETWEEN_TURNS) return;
    this.#rows = 0;
    await new Promise(setImmediate);
    this.#context.signal?.throwIfAborted();
  }
}
