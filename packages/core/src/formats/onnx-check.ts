import type { onnx } from '#onnx';
import { quote, RadinError } from '../errors/index.js';
import { bodiesOf } from './onnx-dataflow.js';
import { operatorName, refusalOf } from './onnx-operators.js';
import { decodeModel, type OnnxModel } from './onnx-reader.js';

/** Graphs in graphs, and calls of functions: those of exporters are 2 or 3 deep. */
const MOST_DEPTH = 32;
/** Nodes, each counted as often as functions are called. The graphs of large models have tens of thousands. */
const MOST_NODES = 1_000_000;

/** Domains whose operators are ONNX's or ONNX Runtime's own: a function of the model there does not allow what they have by that name. */
const RESERVED = /^(|(ai\.onnx|com\.microsoft|com\.ms|org\.pytorch\.aten)(\..*)?)$/s;

/** A function of the model, while its nodes are looked at and after. */
interface Called {
  /** Several where they are told apart by types. */
  readonly bodies: onnx.IFunctionProto[];
  /** Nodes that one call adds; undefined while they are counted. */
  nodes?: number | undefined;
  state: 'unseen' | 'open' | 'counted';
}

/**
 * Checks that a graph may be given to ONNX Runtime: every node, also of subgraphs and of functions, is an operator that is known to be
 * a function of its inputs alone, or a function of the model. Whether it ends is for limits on time to see. Cost: one pass over
 * the nodes.
 * @throws RadinError (`GRAPH`) naming operator, node and file, or where graphs lie too deep, functions call themselves, or there
 *   are too many nodes
 */
export function checkOperators({ bytes, path }: OnnxModel): void {
  const { graph, functions = [] } = decodeModel(bytes, path);
  const called = new Map<string, Called>();
  for (const body of functions) {
    const key = functionKey(body.domain, body.name);
    const known = called.get(key);
    if (known === undefined) called.set(key, { bodies: [body], state: 'unseen' });
    else known.bodies.push(body);
  }
  new Walk(path, called).graph(graph.node, 0);
}

class Walk {
  constructor(
    private readonly path: string,
    private readonly functions: ReadonlyMap<string, Called>,
  ) {}

  /** @returns the number of nodes, with those of graphs in them and of functions that are called */
  graph(nodes: readonly onnx.INodeProto[], depth: number): number {
    if (depth > MOST_DEPTH) fail(`at most ${MOST_DEPTH} graphs and functions in one another`, 'more', this.path);
    let count = nodes.length;
    for (const node of nodes) {
      count += this.#operator(node, depth);
      for (const inner of bodiesOf(node)) count += this.graph(inner.node ?? [], depth + 1);
      if (count > MOST_NODES) fail(`at most ${MOST_NODES} nodes`, 'more', this.path);
    }
    return count;
  }

  /** @returns the number of nodes that a call adds, 0 for an operator */
  #operator(node: onnx.INodeProto, depth: number): number {
    const [domain, operator] = [node.domain ?? '', node.op_type ?? ''];
    const called = this.functions.get(functionKey(domain, operator));
    if (called === undefined || RESERVED.test(domain)) {
      const expected = refusalOf(domain, operator);
      if (expected !== undefined) {
        const name = node.name ? `node ${quote(node.name)}` : `the node of ${quote(node.output?.[0] ?? '')}`;
        fail(expected, operatorName(domain, operator), `${this.path}, ${name}`);
      }
    }
    if (called === undefined) return 0;
    if (called.state === 'open') {
      fail('functions that do not call themselves', `${operatorName(domain, operator)} to do so`, this.path);
    }
    if (called.state === 'unseen') {
      called.state = 'open';
      called.nodes = called.bodies.reduce((sum, { node: nodes }) => sum + this.graph(nodes ?? [], depth + 1), 0);
      called.state = 'counted';
    }
    return called.nodes as number;
  }
}

/** ONNX's own domain has two names. */
function functionKey(domain: string | null | undefined, name: string | null | undefined): string {
  return JSON.stringify([domain === 'ai.onnx' ? '' : (domain ?? ''), name ?? '']);
}

function fail(expected: string, found: string, where: string): never {
  throw new RadinError('GRAPH', `Expected ${expected} but found ${found} in ${where}`);
}
