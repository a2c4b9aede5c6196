import type { onnx } from '#onnx';
import { quote } from '../errors/index.js';
import { withInnerNodes } from './onnx-dataflow.js';

/** Types of `TensorProto.DataType` that hold quantised numbers: floats and integers of 8 bits and less that need scales. */
const QUANTISED_TYPES: ReadonlyMap<number, string> = new Map([
  [17, 'FLOAT8E4M3FN'],
  [18, 'FLOAT8E4M3FNUZ'],
  [19, 'FLOAT8E5M2'],
  [20, 'FLOAT8E5M2FNUZ'],
  [21, 'UINT4'],
  [22, 'INT4'],
  [23, 'FLOAT4E2M1'],
  [24, 'FLOAT8E8M0'],
  [25, 'UINT2'],
  [26, 'INT2'],
]);

/**
 * Operators that compute with quantised numbers, of ONNX (QuantizeLinear, QLinearConv, MatMulInteger, …) and of ONNX Runtime
 * (QAttention, DynamicQuantizeLSTM, MatMulNBits, MatMulBnb4, GatherBlockQuantized, …).
 */
const QUANTISED_OPERATORS = /^(Q[A-Z]|(Conv|MatMul)Integer)|[Qq]uantize|NBits|Bnb4|FpQ4/;

/** What of a graph is quantised, as the end of a sentence; undefined where nothing is. */
export function quantisedPart({ graph, functions }: onnx.IModelProto): string | undefined {
  for (const { name, data_type: type } of graph?.initializer ?? []) {
    const found = QUANTISED_TYPES.get(type ?? 0);
    if (found !== undefined) return `the initializer ${quote(name ?? '')} of type ${found}`;
  }
  const all = [...(graph?.node ?? []), ...(functions ?? []).flatMap(({ node }) => node ?? [])];
  const node = [...withInnerNodes(all)].find(({ op_type: operator }) => QUANTISED_OPERATORS.test(operator ?? ''));
  return node && `the operator ${quote(node.op_type ?? '')}${node.name ? ` (node ${quote(node.name)})` : ''}`;
}

/** What to say of a graph with such a part. */
export function quantisedMessage(part: string, path: string): string {
  return `Expected weights of 16 bits or more that are not quantised but found ${part} in ${path}: averaging quantised values, whose scales differ from model to model, is not averaging weights; average the models before they are quantised, and quantise the soup`;
}
