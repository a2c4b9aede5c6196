import { onnx } from '#onnx';
import { quote, RadinError } from '../errors/index.js';
import { decodeModel, type OnnxModel } from './onnx-reader.js';
import { type Initializer, isExternal, onnxOfDtype } from './onnx-tensor.js';
import { delimited, type Field, fieldsOf } from './protobuf-fields.js';

/** Field numbers of `onnx-ml.proto`. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_INPUT = 11;
const GRAPH_VALUE_INFO = 13;

/**
 * The graph with the named initializers turned into required inputs of the same dtype and shape, as the bytes of an ONNX file.
 * Everything else is copied byte by byte, so that nothing is lost in decoding: fields that the vendored definition does not
 * know, 64-bit attributes, NaN payloads. Cost: one copy of what remains.
 * @throws RadinError `GRAPH` where a name is no initializer of a supported type, or where a tensor that remains lies in
 *   another file: its location could name any file of this machine, or addresses in memory
 */
export function liftInitializers(model: OnnxModel, names: ReadonlySet<string>): Uint8Array {
  const lifted = liftedInitializers(model, names);
  refuseExternal(model, names);
  const fields = [...fieldsOf(model.bytes)];
  const graphs = fields.filter(({ number, payload }) => number === MODEL_GRAPH && payload !== undefined).length;
  // Protobuf would merge them, and the inputs declared in each would be there twice.
  if (graphs !== 1) throw new RadinError('GRAPH', `Expected one graph but found ${graphs} in ${model.path}`);
  return Buffer.concat(
    fields.flatMap(({ number, whole, payload }) =>
      number === MODEL_GRAPH && payload ? delimited(MODEL_GRAPH, liftGraph(payload, lifted, names)) : [whole],
    ),
  );
}

function liftedInitializers(model: OnnxModel, names: ReadonlySet<string>): readonly Initializer[] {
  const byName = new Map(model.initializers.map((initializer) => [initializer.name, initializer]));
  return [...names].map((name) => {
    const initializer = byName.get(name);
    if (initializer) return initializer;
    const found = model.unsupportedInitializers.includes(name) ? 'one of an unsupported type' : 'none';
    throw new RadinError('GRAPH', `Expected an initializer ${quote(name)} but found ${found} in ${model.path}`);
  });
}

function liftGraph(graph: Uint8Array, lifted: readonly Initializer[], names: ReadonlySet<string>): Uint8Array {
  const kept = [...fieldsOf(graph)].filter((field) => !names.has(declaredName(field) ?? ''));
  const inputs = lifted.flatMap((initializer) => delimited(GRAPH_INPUT, declareInput(initializer)));
  return Buffer.concat([...kept.map(({ whole }) => whole), ...inputs]);
}

/**
 * The name that a field of a graph gives a value or a type. Before IR version 4 every initializer is also an input, and any
 * version may repeat its type in value_info: a second declaration, or one of another shape, would make the graph invalid.
 */
function declaredName({ number, payload }: Field): string | undefined {
  if (payload === undefined) return undefined;
  if (number === GRAPH_INITIALIZER) return onnx.TensorProto.decode(payload).name;
  if (number === GRAPH_INPUT || number === GRAPH_VALUE_INFO) return onnx.ValueInfoProto.decode(payload).name;
  return undefined;
}

function declareInput({ name, dtype, shape }: Initializer): Uint8Array {
  const dim = shape.map((size) => onnx.TensorShapeProto.Dimension.fromObject({ dim_value: size }));
  const type = { tensor_type: { elem_type: onnxOfDtype(dtype), shape: { dim } } };
  return onnx.ValueInfoProto.encode({ name, type }).finish();
}

function refuseExternal(model: OnnxModel, names: ReadonlySet<string>): void {
  const decoded = decodeModel(model.bytes, model.path);
  for (const tensor of tensorsOf(decoded)) {
    const isLifted = (): boolean => names.has(tensor.name ?? '') && decoded.graph.initializer.includes(tensor);
    if (isExternal(tensor) && !isLifted()) {
      throw new RadinError(
        'GRAPH',
        `Expected all data in the ONNX file itself but found tensor ${quote(tensor.name ?? '')} in another file, which is not opened, in ${model.path}`,
      );
    }
  }
}

/** Every tensor of a model: of its graphs, their nodes' attributes and subgraphs, functions and training steps. */
function* tensorsOf(model: onnx.IModelProto): Generator<onnx.ITensorProto> {
  if (model.graph) yield* tensorsOfGraph(model.graph);
  for (const { node } of model.functions ?? []) yield* tensorsOfNodes(node ?? []);
  for (const { initialization, algorithm } of model.training_info ?? []) {
    if (initialization) yield* tensorsOfGraph(initialization);
    if (algorithm) yield* tensorsOfGraph(algorithm);
  }
}

function* tensorsOfGraph(graph: onnx.IGraphProto): Generator<onnx.ITensorProto> {
  yield* graph.initializer ?? [];
  for (const sparse of graph.sparse_initializer ?? []) yield* tensorsOfSparse(sparse);
  yield* tensorsOfNodes(graph.node ?? []);
}

function* tensorsOfNodes(nodes: readonly onnx.INodeProto[]): Generator<onnx.ITensorProto> {
  for (const attribute of nodes.flatMap((node) => node.attribute ?? [])) {
    if (attribute.t) yield attribute.t;
    yield* attribute.tensors ?? [];
    if (attribute.sparse_tensor) yield* tensorsOfSparse(attribute.sparse_tensor);
    for (const sparse of attribute.sparse_tensors ?? []) yield* tensorsOfSparse(sparse);
    if (attribute.g) yield* tensorsOfGraph(attribute.g);
    for (const graph of attribute.graphs ?? []) yield* tensorsOfGraph(graph);
  }
}

function* tensorsOfSparse({ values, indices }: onnx.ISparseTensorProto): Generator<onnx.ITensorProto> {
  if (values) yield values;
  if (indices) yield indices;
}
