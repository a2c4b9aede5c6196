import type { onnx } from '#onnx';
import { quote, RadinError } from '../errors/index.js';
import { bodiesOf, valuesReadBy, withInnerNodes } from './onnx-dataflow.js';
import { decodeModel, type OnnxModel } from './onnx-reader.js';

/** A BatchNormalization of the main graph: (x − mean) / √(variance + ε) · scale + bias for each channel, which is the axis 1 of x. */
export interface BatchNorm {
  /** The value x that is normalised. */
  readonly input: string;
  /** The initializer or value with the running mean, shape [channels]. */
  readonly mean: string;
  /** The same of the running variance. */
  readonly variance: string;
  /** How many normalisations are before it on the longest way to x: what those of one level read depends on lower levels only. */
  readonly level: number;
}

/**
 * The normalisations of a graph with running statistics, in the order of its nodes.
 * @throws RadinError `GRAPH` where one is inside a loop, branch or function, is set to train, or comes before what it reads
 */
export function batchNorms(model: OnnxModel): BatchNorm[] {
  const { graph, functions } = decodeModel(model.bytes, model.path);
  const bodies = [...functions, ...graph.node.flatMap(bodiesOf)];
  if (bodies.some(({ node }) => [...withInnerNodes(node ?? [])].some(isBatchNorm)))
    throw misplaced(model, 'inside a loop, branch or function', '');
  const levels = new Map<string, number>();
  const made = new Set(graph.node.flatMap(({ output }) => output ?? []));
  const found: BatchNorm[] = [];
  for (const node of graph.node) {
    const reads = valuesReadBy(node);
    const early = reads.find((name) => made.has(name) && !levels.has(name));
    if (early !== undefined) throw misplaced(model, `a node before ${quote(early)}, which it reads`, node.name ?? '');
    let level = Math.max(0, ...reads.map((name) => levels.get(name) ?? 0));
    if (isBatchNorm(node)) {
      const [input, , , mean, variance] = node.input ?? [];
      if (node.attribute?.some(({ name, i }) => name === 'training_mode' && Number(i ?? 0) !== 0)) {
        throw misplaced(model, 'one in training mode', node.name ?? '');
      }
      if (!input || !mean || !variance) throw misplaced(model, 'one without running statistics', node.name ?? '');
      found.push({ input, mean, variance, level });
      level++;
    }
    for (const name of node.output ?? []) levels.set(name, level);
  }
  return found;
}

function isBatchNorm({ op_type, domain }: onnx.INodeProto): boolean {
  return op_type === 'BatchNormalization' && (!domain || domain === 'ai.onnx');
}

function misplaced(model: OnnxModel, found: string, node: string): RadinError {
  const where = node === '' ? '' : `, node ${quote(node)}`;
  return new RadinError(
    'GRAPH',
    `Expected BatchNormalization nodes of the main graph, with running statistics and in order, but found ${found} in ${model.path}${where}`,
  );
}
