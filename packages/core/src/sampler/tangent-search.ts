import { Mixture } from '../mixture/index.js';
import { Effort } from './effort.js';
import { MinHeap } from './heap.js';
import type { BoundedSearch } from './margin-search.js';
import type { SamplerContext } from './sampler.js';
import { compareScored, type Scored } from './scored.js';

/** Nodes that may be opened: all subsets of 14 models. */
const MOST_NODES = 2 ** 14;

/** Nodes whose subsets are scored in one call. */
const NODES_AT_ONCE = 32;

/** Tangents that a node is bounded by: the first, at the best mixture, and the latest. */
const MOST_TANGENTS = 64;

/** What one model of one tangent of one node is estimated at. */
const SECONDS_PER_DERIVATIVE = 2e-8;

/** Nats per sample by which a tangent may lie too high because losses are rounded; nodes that near are searched. */
const SLACK = 1e-6;

/** f(q) ≥ constant + gradient · q for every mixture q. */
interface Tangent {
  readonly constant: number;
  readonly gradient: Float64Array;
  /** The models by derivative, lowest first. */
  readonly order: readonly number[];
}

/** 1: in the subset, 0: open, −1: not in it. */
type Node = Int8Array;

/**
 * Branch and bound for the uniform subset of the least cross-entropy, a convex function of p: its tangents at subsets and at
 * `at`, the best mixture, bound it from below, and on a tangent the best subset of each size is the one with the lowest
 * derivatives. Best bound first.
 * @param known scored subsets to start from, at least one
 */
export async function searchTangents(
  context: SamplerContext,
  known: readonly Scored[],
  at: Float64Array,
): Promise<BoundedSearch> {
  const { poolSize, signal } = context;
  const effort = new Effort(context, 'cross-entropy');
  let opened = 0;
  const bounded = (node: Node) => {
    effort.spend(tangents.length * poolSize * SECONDS_PER_DERIVATIVE);
    return boundOf(node, tangents);
  };
  const found = [known.toSorted(compareScored)[0] as Scored];
  const best = () => -(found[0] as Scored).score;
  const tangents = await tangentsAt(context, [at]);
  const scored = new Set<string>();
  const heap = new MinHeap<Node>();
  heap.push(Number.NEGATIVE_INFINITY, new Int8Array(poolSize));
  while (heap.least < best() + SLACK && opened < MOST_NODES && !effort.isSpent) {
    signal?.throwIfAborted();
    const nodes: { node: Node; bound: number; subset: Mixture }[] = [];
    while (nodes.length < NODES_AT_ONCE && heap.least < best() + SLACK) {
      const before = heap.least;
      const node = heap.pop() as Node;
      // Tangents that came since the node was pushed may have closed it; those that are gone may have bounded it better.
      const { value, subset } = bounded(node);
      const bound = Math.max(value, before);
      if (bound < best() + SLACK) nodes.push({ node, bound, subset });
    }
    const fresh = new Map(
      nodes.filter(({ subset }) => !scored.has(subset.key)).map(({ subset }) => [subset.key, subset]),
    );
    const subsets = [...fresh.values()];
    opened += nodes.length;
    effort.spendGradients(subsets.length);
    const touching = await tangentsAt(
      context,
      subsets.map(({ weights }) => weights),
    );
    for (const [index, mixture] of subsets.entries()) {
      scored.add(mixture.key);
      const one = { mixture, score: -valueAt(touching[index] as Tangent, mixture) };
      if (compareScored(one, found[0] as Scored) < 0) found.unshift(one);
    }
    tangents.push(...touching);
    if (tangents.length > MOST_TANGENTS) tangents.splice(1, tangents.length - MOST_TANGENTS);
    for (const { node, bound } of nodes) {
      for (const child of split(node, tangents)) heap.push(Math.max(bound, bounded(child).value), child);
    }
  }
  const isClosed = !(heap.least < best() + SLACK);
  return { found, isClosed, bound: isClosed ? -best() : -Math.min(best(), heap.least) };
}

async function tangentsAt({ ensemble, signal }: SamplerContext, points: readonly Float64Array[]): Promise<Tangent[]> {
  if (points.length === 0) return [];
  const losses = await ensemble.crossEntropy.at(points, signal);
  return losses.map(({ loss, gradient }, index) => {
    const point = points[index] as Float64Array;
    const slope = gradient.reduce((sum, value, k) => sum + value * (point[k] as number), 0);
    const order = [...gradient.keys()].sort((a, b) => (gradient[a] as number) - (gradient[b] as number) || a - b);
    return { constant: loss - slope, gradient, order };
  });
}

function valueAt({ constant, gradient }: Tangent, { ingredients }: Mixture): number {
  return constant + ingredients.reduce((sum, k) => sum + (gradient[k] as number), 0) / ingredients.length;
}

/** The highest of the tangents' minima over the node's subsets, and the subset where that tangent has it. */
function boundOf(node: Node, tangents: readonly Tangent[]): { value: number; subset: Mixture } {
  let value = Number.NEGATIVE_INFINITY;
  let members: readonly number[] = [];
  for (const tangent of tangents) {
    const least = leastOn(tangent, node);
    if (least.value <= value) continue;
    value = least.value;
    members = least.members;
  }
  return { value, subset: Mixture.uniform(node.length, members) };
}

function leastOn({ constant, gradient, order }: Tangent, node: Node): { value: number; members: number[] } {
  const members = order.filter((k) => node[k] === 1);
  const open = order.filter((k) => node[k] === 0);
  let sum = members.reduce((total, k) => total + (gradient[k] as number), 0);
  let size = members.length;
  let [least, added] = [size > 0 ? sum / size : Number.POSITIVE_INFINITY, 0];
  for (const [index, k] of open.entries()) {
    sum += gradient[k] as number;
    size++;
    if (sum / size < least) [least, added] = [sum / size, index + 1];
  }
  return { value: constant + least, members: [...members, ...open.slice(0, added)] };
}

/** The node's subsets with and without the open model whose presence moves the latest tangent most; none for a leaf. */
function split(node: Node, tangents: readonly Tangent[]): Node[] {
  const { gradient } = tangents.at(-1) as Tangent;
  const open = [...node.keys()].filter((k) => node[k] === 0);
  if (open.length === 0) return [];
  const level = gradient.reduce((sum, value) => sum + value, 0) / gradient.length;
  const distance = (k: number) => Math.abs((gradient[k] as number) - level);
  const model = open.reduce((farthest, k) => (distance(k) > distance(farthest) ? k : farthest));
  return [1, -1]
    .map((decision) => {
      const child = node.slice();
      child[model] = decision;
      return child;
    })
    .filter((child) => child.some((decision) => decision >= 0));
}
