import { onnx } from '#onnx';
import { quote, RadinError } from '../errors/index.js';
import type { BatchNorm } from './onnx-batch-norm.js';
import { nodesFor } from './onnx-dataflow.js';
import { decodeModel, describeOnnx, type OnnxModel } from './onnx-reader.js';
import { delimited, fieldsOf } from './protobuf-fields.js';

/** Field numbers of `onnx-ml.proto`. */
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;

/** `TensorProto.DataType`. */
const [FLOAT, INT64, DOUBLE] = [1, 7, 11];
/** `AttributeProto.AttributeType`. */
const [INT, INTS] = [2, 7];

/** From this version of the operators on, ReduceMean has its axes as an input and no longer as an attribute. */
const AXES_AS_INPUT = 18;

/** The one output of a graph of moments. */
export const MOMENTS = 'radin/moments';

/**
 * The part of a graph that computes what the given normalisations read, with one output of shape [batch, 4 Σ channels], float32. For
 * each normalisation it has a row of four parts, a number per channel each: the sample's mean of d = x − (running mean) over the
 * channel's positions, what float32 loses of it, and the same of d². All are computed in float64; the shift by the running mean keeps
 * them from cancelling. The means over samples, which have as many positions each, are those over all elements. Initializers stay, all
 * of them, and other outputs go.
 * @throws RadinError `GRAPH` where the operators' version is before 5, or a value has a name of ours
 */
export function momentsGraph(model: OnnxModel, layers: readonly BatchNorm[]): OnnxModel {
  const opset = model.opset ?? 0;
  if (opset < 5) {
    throw new RadinError('GRAPH', `Expected operators of version 5 or later but found ${opset} in ${model.path}`);
  }
  const { graph } = decodeModel(model.bytes, model.path);
  const taken = new Set([...graph.node.flatMap(({ output }) => output ?? []), ...graph.input.map(({ name }) => name)]);
  if ([...taken].some((name) => name?.startsWith('radin/'))) {
    throw new RadinError(
      'GRAPH',
      `Expected no value whose name begins with ${quote('radin/')} but found one in ${model.path}`,
    );
  }
  const needed = nodesFor(
    graph.node,
    layers.flatMap(({ input, mean }) => [input, mean]),
  );
  const added = [...layers.flatMap((layer, index) => momentsOf(layer, index, opset)), concatenation(layers.length)];
  const parts = [...fieldsOf(model.bytes)].flatMap(({ number, whole, payload }) =>
    number === MODEL_GRAPH && payload ? delimited(MODEL_GRAPH, withMoments(payload, needed, added)) : [whole],
  );
  return describeOnnx(Buffer.concat(parts), model.path);
}

function withMoments(graph: Uint8Array, needed: ReadonlySet<number>, added: readonly onnx.INodeProto[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let node = 0;
  for (const { number, whole } of fieldsOf(graph)) {
    if (number === GRAPH_OUTPUT || (number === GRAPH_NODE && !needed.has(node++))) continue;
    parts.push(whole);
  }
  for (const one of added) parts.push(...delimited(GRAPH_NODE, onnx.NodeProto.encode(one).finish()));
  for (const one of CONSTANTS) parts.push(...delimited(GRAPH_INITIALIZER, onnx.TensorProto.encode(one).finish()));
  const type = { tensor_type: { elem_type: FLOAT } };
  parts.push(...delimited(GRAPH_OUTPUT, onnx.ValueInfoProto.encode({ name: MOMENTS, type }).finish()));
  return Buffer.concat(parts);
}

const CONSTANTS = [
  // Two sizes as they are and the product of the others, 1 where there are none.
  integers('radin/positions', [0, 0, -1]),
  integers('radin/column', [-1, 1]),
  integers('radin/axis', [2]),
];

function integers(name: string, values: readonly number[]): onnx.ITensorProto {
  const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return onnx.TensorProto.fromObject({ name, data_type: INT64, dims: [values.length], raw_data: data });
}

function momentsOf({ input, mean }: BatchNorm, index: number, opset: number): onnx.INodeProto[] {
  const of = (name: string) => `radin/${index}/${name}`;
  return [
    cast(input, of('x'), DOUBLE),
    node('Reshape', [of('x'), 'radin/positions'], of('positions')),
    cast(mean, of('mean'), DOUBLE),
    node('Reshape', [of('mean'), 'radin/column'], of('column')),
    node('Sub', [of('positions'), of('column')], of('d')),
    node('Mul', [of('d'), of('d')], of('dd')),
    meanOf(of('d'), of('first'), opset),
    meanOf(of('dd'), of('second'), opset),
    ...inTwoFloats(of('first')),
    ...inTwoFloats(of('second')),
  ];
}

/** A float64 value as the float32 sum of two: one float32 loses the variance where the running mean is far off. */
function inTwoFloats(value: string): onnx.INodeProto[] {
  return [
    cast(value, `${value}/high`, FLOAT),
    cast(`${value}/high`, `${value}/rounded`, DOUBLE),
    node('Sub', [value, `${value}/rounded`], `${value}/rest`),
    cast(`${value}/rest`, `${value}/low`, FLOAT),
  ];
}

function concatenation(layers: number): onnx.INodeProto {
  const moments = ['first', 'second'].flatMap((moment) => [`${moment}/high`, `${moment}/low`]);
  const inputs = Array.from({ length: layers }, (_, index) => moments.map((part) => `radin/${index}/${part}`)).flat();
  return node('Concat', inputs, MOMENTS, [{ name: 'axis', type: INT, i: 1 }]);
}

function meanOf(input: string, output: string, opset: number): onnx.INodeProto {
  const attributes = [{ name: 'keepdims', type: INT, i: 0 }];
  if (opset >= AXES_AS_INPUT) return node('ReduceMean', [input, 'radin/axis'], output, attributes);
  return node('ReduceMean', [input], output, [...attributes, { name: 'axes', type: INTS, ints: [2] }]);
}

function cast(input: string, output: string, to: number): onnx.INodeProto {
  return node('Cast', [input], output, [{ name: 'to', type: INT, i: to }]);
}

function node(op_type: string, input: string[], output: string, attribute: object[] = []): onnx.INodeProto {
  return onnx.NodeProto.fromObject({ op_type, input, output: [output], attribute });
}
