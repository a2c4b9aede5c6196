import { decodeModel, type OnnxModel } from './onnx-reader.js';

/** An operation of the main graph. */
export interface GraphNode {
  /** Such as `Conv`. */
  readonly operator: string;
  /** Names of values; an empty one is an optional input that is left out. */
  readonly inputs: readonly string[];
}

/** The operations of the main graph, in the file's order; those of subgraphs (bodies of If and Loop) stay alone. */
export function graphNodes({ bytes, path }: OnnxModel): GraphNode[] {
  const { node } = decodeModel(bytes, path).graph;
  return node.map(({ op_type, input }) => ({ operator: op_type ?? '', inputs: input ?? [] }));
}
