import { onnx } from '../../core/generated/onnx.js';

/** Numbers of `TensorProto.DataType`. */
const FLOAT = 1;

export interface GraphOptions {
  /** D. */
  readonly features: number;
  /** C. */
  readonly classes: number;
  /** Whether the graph says how many classes its logits have. */
  readonly statesClasses?: boolean;
  /** Names of outputs: `logits`, and any others, which are the negated logits. */
  readonly outputs?: readonly string[];
  /** Names of inputs: the first is used, the others are there only. */
  readonly inputs?: readonly string[];
  readonly operator?: 'MatMul+Add' | 'Gemm';
  /** Name of a further initializer, a vector of ones that scales the inputs. */
  readonly scale?: string;
  /** Samples of every run, where the graph fixes them. */
  readonly batch?: number;
}

/** Bytes of an ONNX graph of a linear network: logits = x W + b with W [D, C] called `weight` and b [C] called `bias`. */
export function linearGraph(options: GraphOptions): Uint8Array {
  const { features, classes, statesClasses = true, outputs = ['logits'], inputs = ['x'], scale, batch } = options;
  const [x = 'x'] = inputs;
  const source = scale === undefined ? x : 'scaled';
  const scaling = scale === undefined ? [] : [node('Mul', [x, scale], source)];
  const layer =
    options.operator === 'Gemm'
      ? [node('Gemm', [source, 'weight', 'bias'], 'logits')]
      : [node('MatMul', [source, 'weight'], 'product'), node('Add', ['product', 'bias'], 'logits')];
  const others = outputs.filter((name) => name !== 'logits').map((name) => node('Neg', ['logits'], name));
  const graph: onnx.GraphProto.$Properties = {
    name: 'linear',
    node: [...scaling, ...layer, ...others],
    initializer: [
      initializer('weight', [features, classes], 0),
      initializer('bias', [classes], 0),
      ...(scale === undefined ? [] : [initializer(scale, [features], 1)]),
    ],
    input: inputs.map((name) => value(name, features, batch)),
    output: outputs.map((name) => value(name, statesClasses ? classes : undefined, batch)),
  };
  const model = { ir_version: int64(8), opset_import: [{ domain: '', version: int64(13) }], graph };
  return onnx.ModelProto.encode(model).finish();
}

/** protobufjs takes its own 64-bit integers, which it does not export. */
function int64(number: number): never {
  return onnx.TensorShapeProto.Dimension.fromObject({ dim_value: number }).dim_value as never;
}

function node(operator: string, input: string[], output: string): onnx.NodeProto.$Properties {
  return { op_type: operator, input, output: [output], name: output };
}

function initializer(name: string, shape: readonly number[], filling: number): onnx.TensorProto.$Properties {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(filling);
  return { name, data_type: FLOAT, dims: shape.map(int64), raw_data: new Uint8Array(values.buffer) };
}

function value(name: string, columns: number | undefined, batch: number | undefined): onnx.ValueInfoProto.$Properties {
  const size = (known: number | undefined, symbol: string) =>
    known === undefined ? { dim_param: symbol } : { dim_value: int64(known) };
  const shape = { dim: [size(batch, 'batch'), size(columns, 'columns')] };
  return { name, type: { tensor_type: { elem_type: FLOAT, shape } } };
}
