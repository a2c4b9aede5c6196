import { onnx } from '#onnx';
import { FileFields } from './file-fields.js';
import { failFormat } from './format-error.js';
import type { ExternalFiles } from './onnx-external.js';
import {
  GRAPH_INITIALIZER,
  InitializerReader,
  type OnnxWeight,
  TENSOR_DATA_LOCATION,
  TENSOR_EXTERNAL_DATA,
  TENSOR_RAW_DATA,
} from './onnx-initializer.js';
import { delimited, prefixOf, varintField } from './protobuf-fields.js';
import type { RegularFile } from './regular-file.js';

/** Field number of `onnx-ml.proto`. */
const MODEL_GRAPH = 7;

/** As many tensors as other formats have. Each has some 300 bytes in memory, however short it is. */
const MOST_INITIALIZERS = 2 ** 18;

/** `TensorProto.DataLocation.EXTERNAL`. */
const EXTERNAL = 1;

/** An ONNX file taken apart: its weights, and everything else byte by byte, in the file's order. */
export interface OnnxParts {
  readonly path: string;
  /** Fields of the model around its graph. */
  readonly before: readonly Uint8Array[];
  /** Fields of the graph. Initializers that are no weights have their data with them, also those that had it in another file. */
  readonly graph: readonly (Uint8Array | OnnxWeight)[];
  readonly after: readonly Uint8Array[];
}

/**
 * Takes an ONNX file apart, reading all but the data of its weights. External data are opened, not read.
 * @throws RadinError `FORMAT` where it is no ONNX model with one graph, or a tensor's data are not in one place and of its size; as `ExternalFiles`
 */
export async function readParts(file: RegularFile, externals: ExternalFiles): Promise<OnnxParts> {
  const { path } = file;
  const fields = new FileFields(file);
  const initializers = new InitializerReader(file, fields, externals);
  const around: [Uint8Array[], Uint8Array[]] = [[], []];
  let graph: (Uint8Array | OnnxWeight)[] | undefined;
  for await (const field of fields.between(0, file.size)) {
    if (field.number !== MODEL_GRAPH || !field.isLengthDelimited) {
      around[graph === undefined ? 0 : 1].push(await fields.whole(field));
      continue;
    }
    // Protobuf would merge them.
    if (graph !== undefined) failFormat('one graph', 'two', path);
    graph = [];
    let tensors = 0;
    for await (const part of fields.between(field.payload, field.end)) {
      const isTensor = part.number === GRAPH_INITIALIZER && part.isLengthDelimited;
      if (isTensor && ++tensors > MOST_INITIALIZERS)
        failFormat(`at most ${MOST_INITIALIZERS} initializers`, 'more', path);
      graph.push(isTensor ? await initializers.read(part) : await fields.whole(part));
    }
  }
  if (graph === undefined) failFormat('an ONNX model with a graph', file.size === 0 ? 'an empty file' : 'none', path);
  return { path, before: around[0], graph, after: around[1] };
}

/** The weights of a model taken apart. */
export function weightsOf({ graph }: OnnxParts): OnnxWeight[] {
  return graph.filter((part): part is OnnxWeight => !(part instanceof Uint8Array));
}

/** The model without its weights' data, which are marked as external ones without a place; those of one element stay. */
export function withoutWeights(parts: OnnxParts): Uint8Array {
  const marked = varintField(TENSOR_DATA_LOCATION, EXTERNAL);
  const graph = parts.graph.flatMap((part) => {
    if (part instanceof Uint8Array) return [part];
    const { before, after, scalar } = part;
    const data = scalar === undefined ? [marked] : delimited(TENSOR_RAW_DATA, scalar);
    return delimited(GRAPH_INITIALIZER, Buffer.concat([...before, ...data, ...after]));
  });
  return Buffer.concat([...parts.before, ...delimited(MODEL_GRAPH, Buffer.concat(graph)), ...parts.after]);
}

/** Bytes as they are, or those of a weight. */
export type Piece = Uint8Array | OnnxWeight;

/**
 * The model with new values for its weights, as pieces in the file's order: those of `external` in another file at the place that it gives,
 * the others where they are, as raw data.
 * @param appended further fields of the model
 */
export function modelPieces(
  parts: OnnxParts,
  external: ReadonlyMap<OnnxWeight, { readonly location: string; readonly offset: number }>,
  appended: readonly Uint8Array[],
): Piece[] {
  const graph = parts.graph.flatMap((part): Piece[] => {
    if (part instanceof Uint8Array) return [part];
    const place = external.get(part);
    const data =
      place === undefined
        ? [prefixOf(TENSOR_RAW_DATA, part.byteLength), part]
        : externalFields(place.location, place.offset, part.byteLength);
    const pieces = [...part.before, ...data, ...part.after];
    return [prefixOf(GRAPH_INITIALIZER, lengthOf(pieces)), ...pieces];
  });
  return [...parts.before, prefixOf(MODEL_GRAPH, lengthOf(graph)), ...graph, ...parts.after, ...appended];
}

/** Bytes of pieces one after another. */
export function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function externalFields(location: string, offset: number, length: number): Uint8Array[] {
  const entries = Object.entries({ location, offset: String(offset), length: String(length) });
  return [
    ...entries.flatMap(([key, value]) =>
      delimited(TENSOR_EXTERNAL_DATA, onnx.StringStringEntryProto.encode({ key, value }).finish()),
    ),
    varintField(TENSOR_DATA_LOCATION, EXTERNAL),
  ];
}
