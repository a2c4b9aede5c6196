import { onnx } from '#onnx';
import { quote, RadinError } from '../errors/index.js';
import type { Dtype } from './dtype.js';
import { failFormat } from './format-error.js';
import { quantisedPart } from './onnx-quantised.js';
import { dtypeOfOnnx, type Initializer, readInitializer } from './onnx-tensor.js';
import { allocate, withRegularFile } from './regular-file.js';

/** Protobuf's own limit for one message. */
export const LARGEST_MODEL = 2 ** 31 - 1;

/** An input or output of the graph. */
export interface GraphValue {
  readonly name: string;
  /** Undefined where it is no tensor, or one of strings, complex or sub-byte numbers. */
  readonly dtype: Dtype | undefined;
  /** A string is a symbolic size, undefined an unknown one; undefined as a whole where even the rank is unknown. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** An ONNX file in memory. */
export interface OnnxModel {
  readonly path: string;
  /** The whole file; the initializers' data are views of it. */
  readonly bytes: Uint8Array;
  readonly irVersion: number;
  /** Version of ONNX's own operators; undefined for a graph that uses none. */
  readonly opset: number | undefined;
  /** What must be fed: inputs that have an initializer as default are not listed. */
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Of the main graph; those of subgraphs (bodies of If and Loop) stay alone. */
  readonly initializers: readonly Initializer[];
  /** Names of initializers whose type has no `Dtype` (strings, complex and sub-byte numbers): no weights of a soup. */
  readonly unsupportedInitializers: readonly string[];
  /** Where it computes with quantised numbers, what does, as `quantisedMessage` takes it. */
  readonly quantised?: string;
}

/**
 * Reads an ONNX graph as data: it is neither run nor are other files opened. Cost: memory for the file.
 * @throws RadinError `FILE` where it is no readable regular file; `FORMAT` where it is no ONNX model of less than 2 GiB, or
 *   its initializers have double names, wrong sizes or are sparse
 */
export async function readOnnx(path: string): Promise<OnnxModel> {
  const bytes = await withRegularFile(path, async (file) => {
    if (file.size > LARGEST_MODEL) failFormat('an ONNX file of less than 2 GiB', `${file.size} bytes`, path);
    const content = allocate(file.size, path);
    await file.read(content, 0);
    return content;
  });
  return describeOnnx(bytes, path);
}

/** What the bytes of an ONNX file hold. @throws RadinError (`FORMAT`) as `readOnnx` */
export function describeOnnx(bytes: Uint8Array, path: string): OnnxModel {
  const model = decodeModel(bytes, path);
  const { graph } = model;
  const names = initializerNames(graph, path);
  const initializers = graph.initializer.flatMap((tensor) => readInitializer(tensor as onnx.TensorProto, path) ?? []);
  const supported = new Set(initializers.map(({ name }) => name));
  const quantised = quantisedPart(model);
  return {
    path,
    bytes,
    irVersion: Number(model.ir_version),
    opset: opsetOf(model),
    inputs: graph.input.map(readValue).filter(({ name }) => !names.has(name)),
    outputs: graph.output.map(readValue),
    initializers,
    unsupportedInitializers: [...names].filter((name) => !supported.has(name)),
    ...(quantised && { quantised }),
  };
}

/** Decodes a model that has a graph; `bytes` stay shared with it. @throws RadinError (`FORMAT`) */
export function decodeModel(bytes: Uint8Array, path: string): onnx.ModelProto & { readonly graph: onnx.GraphProto } {
  let model: onnx.ModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RadinError('FORMAT', `Expected an ONNX model but found bytes that are none (${reason}) in ${path}`, {
      cause: error,
    });
  }
  const { graph } = model;
  if (!graph) failFormat('an ONNX model with a graph', bytes.byteLength === 0 ? 'an empty file' : 'none', path);
  return model as onnx.ModelProto & { readonly graph: onnx.GraphProto };
}

function initializerNames(graph: onnx.GraphProto, path: string): ReadonlySet<string> {
  if (graph.sparse_initializer.length > 0) {
    failFormat('dense initializers only, since soups average dense weights', 'a sparse one', path);
  }
  const names = new Set<string>();
  for (const name of graph.initializer.map((tensor) => tensor.name ?? '')) {
    if (name === '') failFormat('a name for every initializer', 'one without', path);
    // U+FFFD stands for bytes that are no UTF-8: two such names could look the same here and differ elsewhere.
    if (name.includes('\ufffd')) failFormat('initializer names in UTF-8', quote(name), path);
    if (names.has(name)) failFormat('one initializer of each name', `two called ${quote(name)}`, path);
    names.add(name);
  }
  return names;
}

function opsetOf(model: onnx.ModelProto): number | undefined {
  const entry = model.opset_import.find(({ domain }) => !domain || domain === 'ai.onnx');
  return entry === undefined ? undefined : Number(entry.version);
}

function readValue({ name, type }: onnx.IValueInfoProto): GraphValue {
  const tensor = type?.tensor_type;
  const dimensions = tensor?.shape?.dim ?? (tensor?.shape ? [] : undefined);
  return { name: name ?? '', dtype: dtypeOfOnnx(tensor?.elem_type ?? 0), shape: dimensions?.map(readDimension) };
}

function readDimension({
  dim_value: size,
  dim_param: symbol,
}: onnx.TensorShapeProto.IDimension): number | string | undefined {
  if (symbol) return symbol;
  const known = size === undefined || size === null ? -1 : Number(size);
  return Number.isSafeInteger(known) && known >= 0 ? known : undefined;
}
