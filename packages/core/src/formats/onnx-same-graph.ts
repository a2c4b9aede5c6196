import { onnx } from '#onnx';
import { quote } from '../errors/index.js';
import { type Dtype, formatShape } from './dtype.js';
import { floatValues, isFloatDtype, writeFloats } from './float-values.js';
import { decodeModel, type GraphValue, type OnnxModel } from './onnx-reader.js';
import { dtypeOfOnnx, type Initializer, readInitializer } from './onnx-tensor.js';
import { widest } from './widened-tensors.js';

/** How two graphs compare. */
export type GraphMatch =
  /** The names that initializers of the first have in the second. */
  | { readonly names: ReadonlyMap<string, string> }
  /** The first difference: what the first has and what the second, in words. */
  | { readonly expected: string; readonly found: string };

type Difference = Extract<GraphMatch, { readonly expected: string }>;

/**
 * Compares two graphs up to the values of their weights and the names of values and nodes: equal are operators in their order, which
 * value goes where, attributes, inputs and outputs, versions of operators, local functions, types and shapes of initializers, and the
 * values of those that are no weights. What no result depends on is passed over: producer, documentation, metadata, inferred shapes.
 *
 * Where weights of the second have other floating-point types, they must be narrower ones, and the graphs are compared up to these: inputs,
 * outputs and casts may be of other floats, and constants must be those of the first, rounded to the type that they have in the second.
 */
export function matchGraphs(a: OnnxModel, b: OnnxModel): GraphMatch {
  const [first, second] = [decodeModel(a.bytes, a.path), decodeModel(b.bytes, b.path)];
  const matching = new Matching(typesOfWeights(a) !== typesOfWeights(b), b.path);
  const difference =
    differentVersions(first, second) ??
    listDifference('input', a.inputs, b.inputs, (one, other) => matching.value(one, other, 'input')) ??
    matching.graph(first.graph, second.graph) ??
    listDifference('output', a.outputs, b.outputs, (one, other) => matching.value(one, other, 'output')) ??
    encodedDifference('local functions', functionsOf(first), functionsOf(second)) ??
    matching.initializers(a, b);
  if (difference !== undefined) return difference;
  return { names: new Map(a.initializers.map(({ name }) => [name, matching.nameOf(name)])) };
}

/** One-to-one names of the values of two graphs, found while they are walked. */
class Matching {
  readonly #names = new Map<string, string>();
  readonly #back = new Map<string, string>();

  constructor(
    /** Whether floats of all types are alike. */
    private readonly upToFloats: boolean,
    private readonly path: string,
  ) {}

  nameOf(name: string): string {
    return this.#names.get(name) ?? name;
  }

  value(a: GraphValue, b: GraphValue, what: string): Difference | undefined {
    const shown = ({ dtype, shape }: GraphValue) =>
      `${this.#typeOf(dtype)} [${(shape ?? ['…']).map((size) => (typeof size === 'number' ? size : '?')).join(', ')}]`;
    if (shown(a) !== shown(b)) return { expected: `the ${what} ${quote(a.name)} to be ${shown(a)}`, found: shown(b) };
    return this.#same(a.name, b.name, `${what} ${quote(a.name)}`);
  }

  graph(a: onnx.IGraphProto, b: onnx.IGraphProto): Difference | undefined {
    return listDifference('node', a.node ?? [], b.node ?? [], (one, other, at) => this.#node(one, other, at));
  }

  /** Of the main graph. */
  initializers(a: OnnxModel, b: OnnxModel): Difference | undefined {
    const found = new Map(b.initializers.map((initializer) => [initializer.name, initializer]));
    for (const one of a.initializers) {
      const other = found.get(this.nameOf(one.name));
      const difference = initializerDifference(one, other, this.upToFloats);
      if (difference !== undefined) return difference;
      found.delete(this.nameOf(one.name));
    }
    const [more] = found.keys();
    if (more !== undefined) return { expected: 'no further initializer', found: quote(more) };
    const others = ({ unsupportedInitializers }: OnnxModel) => unsupportedInitializers.length;
    if (others(a) === others(b)) return undefined;
    return { expected: `${others(a)} initializers of strings or complex numbers`, found: `${others(b)}` };
  }

  #node(a: onnx.INodeProto, b: onnx.INodeProto, at: number): Difference | undefined {
    const operator = ({ domain, op_type: type }: onnx.INodeProto) => `${domain ? `${domain}.` : ''}${type ?? ''}`;
    const node = `node ${at + 1}${a.name ? ` (${quote(a.name)})` : ''}`;
    if (operator(a) !== operator(b)) return { expected: `${node} to be ${operator(a)}`, found: operator(b) };
    const where = `${node}, ${operator(a)}`;
    return (
      listDifference(`input of ${where}`, a.input ?? [], b.input ?? [], (one, other, input) =>
        this.#same(one, other, `input ${input + 1} of ${where}`),
      ) ??
      this.#attributes(a.attribute ?? [], b.attribute ?? [], where) ??
      listDifference(`output of ${where}`, a.output ?? [], b.output ?? [], (one, other, output) =>
        this.#same(one, other, `output ${output + 1} of ${where}`),
      )
    );
  }

  #attributes(
    a: readonly onnx.IAttributeProto[],
    b: readonly onnx.IAttributeProto[],
    where: string,
  ): Difference | undefined {
    return listDifference(`attribute of ${where}`, byName(a), byName(b), (one, other) => {
      const graphs = ({ g, graphs: several }: onnx.IAttributeProto) => [...(g ? [g] : []), ...(several ?? [])];
      const what = `attribute ${quote(one.name ?? '')} of ${where}`;
      return (
        this.#attribute(what, one, other) ??
        listDifference(`graph of ${what}`, graphs(one), graphs(other), (inner, otherInner) =>
          this.#subgraph(inner, otherInner, what),
        )
      );
    });
  }

  #attribute(what: string, a: onnx.IAttributeProto, b: onnx.IAttributeProto): Difference | undefined {
    if (this.upToFloats) {
      if (a.t && b.t) return this.#tensor(what, a.t, b.t);
      const isType = ({ name, i }: onnx.IAttributeProto) =>
        TYPE_ATTRIBUTES.includes(name ?? '') && isFloatType(dtypeOfOnnx(Number(i)));
      if (isType(a) && isType(b) && a.name === b.name) return undefined;
    }
    return encodedDifference(what, [withoutGraphs(a)], [withoutGraphs(b)]);
  }

  #tensor(what: string, a: onnx.ITensorProto, b: onnx.ITensorProto): Difference | undefined {
    const difference = encodedDifference(what, [encodedTensor(a)], [encodedTensor(b)]);
    if (difference === undefined || !this.upToFloats) return difference;
    const [one, other] = [a, b].map((tensor) => readInitializer(tensor as onnx.TensorProto, this.path));
    return one && other && isRounded(one, other) ? undefined : difference;
  }

  #typeOf(dtype: Dtype | undefined): string {
    if (dtype === undefined) return 'another type';
    return this.upToFloats && isFloatType(dtype) ? 'of floats' : dtype;
  }

  /** The body of an If or a Loop, whose own initializers are no weights of a soup. */
  #subgraph(a: onnx.IGraphProto, b: onnx.IGraphProto, where: string): Difference | undefined {
    const same = (what: string, ones: readonly onnx.IValueInfoProto[], others: readonly onnx.IValueInfoProto[]) =>
      listDifference(`${what} of the graph in ${where}`, ones, others, (one, other) =>
        this.#same(one.name ?? '', other.name ?? '', `${what} of the graph in ${where}`),
      );
    return (
      same('input', a.input ?? [], b.input ?? []) ??
      listDifference(`initializer of ${where}`, a.initializer ?? [], b.initializer ?? [], (one, other) => {
        const what = `initializer ${quote(one.name ?? '')} of the graph in ${where}`;
        return this.#same(one.name ?? '', other.name ?? '', what) ?? this.#tensor(what, one, other);
      }) ??
      this.graph(a, b) ??
      same('output', a.output ?? [], b.output ?? [])
    );
  }

  #same(a: string, b: string, where: string): Difference | undefined {
    const [known, back] = [this.#names.get(a), this.#back.get(b)];
    if (known === undefined && back === undefined && (a === '') === (b === '')) {
      this.#names.set(a, b);
      this.#back.set(b, a);
      return undefined;
    }
    if (known === b) return undefined;
    const expected = known === undefined ? 'a value that is not used before' : quote(known);
    return { expected: `${expected} as ${where}`, found: quote(b) };
  }
}

/** The attributes that name the type of what an operator gives. */
const TYPE_ATTRIBUTES: readonly string[] = ['to', 'dtype'];

function isFloatType(dtype: Dtype | undefined): boolean {
  return dtype !== undefined && isFloatDtype(dtype);
}

/** How many weights there are of each type, as a text. */
function typesOfWeights({ initializers }: OnnxModel): string {
  return initializers
    .flatMap(({ dtype }) => (isFloatDtype(dtype) ? [dtype] : []))
    .sort()
    .join();
}

/** Whether the second has the numbers of the first, rounded to its own type, which the first's holds. */
function isRounded(a: Initializer, b: Initializer): boolean {
  if (!isFloatDtype(a.dtype) || !isFloatDtype(b.dtype) || widest(a.dtype, b.dtype) !== a.dtype) return false;
  if (a.data === undefined || b.data === undefined || formatShape(a.shape) !== formatShape(b.shape)) return false;
  const rounded = new Uint8Array(b.data.byteLength);
  writeFloats(floatValues(a.data, a.dtype), b.dtype, rounded);
  return Buffer.compare(rounded, b.data) === 0;
}

function initializerDifference(
  a: Initializer,
  b: Initializer | undefined,
  upToFloats: boolean,
): Difference | undefined {
  const what = `initializer ${quote(a.name)}`;
  if (b === undefined) return { expected: `the ${what}`, found: 'none' };
  if (upToFloats && isFloatType(a.dtype) && isFloatType(b.dtype) && formatShape(a.shape) === formatShape(b.shape)) {
    if (widest(a.dtype, b.dtype) === a.dtype) return undefined;
    const why = 'since one of the models must have the widest type of every weight,';
    return { expected: `the ${what} to have a type that ${a.dtype} holds, ${why}`, found: b.dtype };
  }
  const shown = ({ dtype, shape }: Initializer) => `${dtype} ${formatShape(shape)}`;
  if (shown(a) !== shown(b)) return { expected: `the ${what} to be ${shown(a)}`, found: shown(b) };
  if (isFloatType(a.dtype) || Buffer.compare(a.data ?? new Uint8Array(), b.data ?? new Uint8Array()) === 0)
    return undefined;
  return { expected: `the ${what}, ${shown(a)}, which is no weight, to be equal`, found: 'other values' };
}

/** Of the operators: what each domain has in both. */
function differentVersions(a: onnx.IModelProto, b: onnx.IModelProto): Difference | undefined {
  const versions = ({ opset_import: imports }: onnx.IModelProto) =>
    (imports ?? [])
      .map(({ domain, version }) => `${!domain ? 'ai.onnx' : domain} ${version ?? 0}`)
      .sort()
      .join(', ');
  if (versions(a) === versions(b)) return undefined;
  return { expected: `operators of ${versions(a)}`, found: versions(b) };
}

function functionsOf({ functions }: onnx.IModelProto): Uint8Array[] {
  return (functions ?? []).map((one) => {
    const { doc_string: _, ...rest } = one as onnx.FunctionProto;
    return onnx.FunctionProto.encode(rest).finish();
  });
}

function listDifference<T>(
  what: string,
  a: readonly T[],
  b: readonly T[],
  difference: (one: T, other: T, at: number) => Difference | undefined,
): Difference | undefined {
  for (const [at, one] of a.slice(0, b.length).entries()) {
    const found = difference(one, b[at] as T, at);
    if (found !== undefined) return found;
  }
  if (a.length === b.length) return undefined;
  return { expected: `${a.length} times ${what}`, found: `${b.length}` };
}

function encodedDifference(what: string, a: readonly Uint8Array[], b: readonly Uint8Array[]): Difference | undefined {
  const equal = a.length === b.length && a.every((one, at) => Buffer.compare(one, b[at] as Uint8Array) === 0);
  return equal ? undefined : { expected: `the ${what} to be equal`, found: 'other values' };
}

function byName(attributes: readonly onnx.IAttributeProto[]): onnx.IAttributeProto[] {
  return [...attributes].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
}

function withoutGraphs(attribute: onnx.IAttributeProto): Uint8Array {
  const { doc_string: _, g: __, graphs: ___, t, ...rest } = attribute;
  const tensor = t && { t: onnx.TensorProto.decode(encodedTensor(t)) };
  return onnx.AttributeProto.encode({ ...rest, ...tensor }).finish();
}

/** A tensor without its name, which constants have by chance. */
function encodedTensor(tensor: onnx.ITensorProto): Uint8Array {
  const { name: _, doc_string: __, ...rest } = tensor;
  return onnx.TensorProto.encode(rest).finish();
}
