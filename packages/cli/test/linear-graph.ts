import { onnx } from '../../core/generated/onnx.js';

/** Numbers of `TensorProto.DataType`. */
const DATA_TYPES = { F32: 1, F64: 11 };

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
  /** Of inputs, weights and logits; default: F32. */
  readonly dtype?: 'F32' | 'F64';
  /** Whether the logits go through a BatchNorm layer with the parameters `gamma`, `beta`, `mean` and `variance`, [C] each. */
  readonly normalised?: boolean;
}

/** Bytes of an ONNX graph of a linear network: logits = x W + b with W [D, C] called `weight` and b [C] called `bias`. */
export function linearGraph(options: GraphOptions): Uint8Array {
  const { features, classes, statesClasses = true, outputs = ['logits'], inputs = ['x'], scale, batch } = options;
  const { dtype = 'F32', normalised = false } = options;
  const last = normalised ? 'plain' : 'logits';
  const [x = 'x'] = inputs;
  const source = scale === undefined ? x : 'scaled';
  const scaling = scale === undefined ? [] : [node('Mul', [x, scale], source)];
  const layer =
    options.operator === 'Gemm'
      ? [node('Gemm', [source, 'weight', 'bias'], last)]
      : [node('MatMul', [source, 'weight'], 'product'), node('Add', ['product', 'bias'], last)];
  const normalising = normalised
    ? [node('BatchNormalization', [last, 'gamma', 'beta', 'mean', 'variance'], 'logits')]
    : [];
  const statistics = normalised ? ['gamma', 'beta', 'mean', 'variance'] : [];
  const others = outputs.filter((name) => name !== 'logits').map((name) => node('Neg', ['logits'], name));
  const graph: onnx.GraphProto.$Properties = {
    name: 'linear',
    node: [...scaling, ...layer, ...normalising, ...others],
    initializer: [
      initializer('weight', [features, classes], 0, dtype),
      initializer('bias', [classes], 0, dtype),
      ...(scale === undefined ? [] : [initializer(scale, [features], 1, dtype)]),
      ...statistics.map((name) => initializer(name, [classes], 1, dtype)),
    ],
    input: inputs.map((name) => value(name, features, batch, dtype)),
    output: outputs.map((name) => value(name, statesClasses ? classes : undefined, batch, dtype)),
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

function initializer(
  name: string,
  shape: readonly number[],
  filling: number,
  dtype: 'F32' | 'F64',
): onnx.TensorProto.$Properties {
  const values = new { F32: Float32Array, F64: Float64Array }[dtype](
    shape.reduce((product, size) => product * size, 1),
  );
  const raw_data = new Uint8Array(values.fill(filling).buffer);
  return { name, data_type: DATA_TYPES[dtype], dims: shape.map(int64), raw_data };
}

function value(
  name: string,
  columns: number | undefined,
  batch: number | undefined,
  dtype: 'F32' | 'F64',
): onnx.ValueInfoProto.$Properties {
  const size = (known: number | undefined, symbol: string) =>
    known === undefined ? { dim_param: symbol } : { dim_value: int64(known) };
  const shape = { dim: [size(batch, 'batch'), size(columns, 'columns')] };
  return { name, type: { tensor_type: { elem_type: DATA_TYPES[dtype], shape } } };
}
