import { basename, dirname, join } from 'node:path';
import { RadinError } from '../errors/index.js';
import { type FileSink, type StagedFile, stageFile, type WriteOptions } from './atomic-file.js';
import { Digest } from './digest.js';
import { exchangeFiles } from './exchange-files.js';
import { failFormat } from './format-error.js';
import type { OnnxFile } from './onnx-file.js';
import type { OnnxWeight } from './onnx-initializer.js';
import { metadataFields, withoutMetadata } from './onnx-metadata.js';
import { lengthOf, modelPieces, type Piece, weightsOf } from './onnx-parts.js';
import { LARGEST_MODEL } from './onnx-reader.js';
import type { WrittenModel } from './safetensors-shard-writer.js';
import type { ProduceTensor } from './safetensors-writer.js';

/** ONNX asks for external data at multiples of a page, for readers that map files; tensors of less than a page are only aligned. */
const PAGE_BYTES = 4096;
const ALIGNMENT = 64;

const HASHED_AT_ONCE = 2 ** 24;

/** A copy of an ONNX model with other weights, before these are known. */
export interface OnnxCopy {
  /** The weights in the order in which they are written. */
  readonly weights: readonly OnnxWeight[];
  /** Writes the copy, wholly or not at all. `produce` is asked for the weights in their order. @throws RadinError; what `produce` throws */
  write(path: string, produce: ProduceTensor, options?: WriteOptions): Promise<WrittenModel>;
}

/**
 * A copy of the model with other weights of the same shapes and types. All else is copied byte by byte, also fields that nobody knows;
 * weights take the places of the model's own, as raw data; those that were in another file are again, in `NAME.onnx.data` beside it.
 * @param metadata entries of `metadata_props` that are added, instead of others of these names
 */
export function copyOnnx({ parts }: OnnxFile, metadata: ReadonlyMap<string, string>): OnnxCopy {
  const all = weightsOf(parts);
  const external = all.filter((weight) => weight.external);
  const entries = metadataFields(metadata);
  const kept = withoutMetadata(parts, metadata);
  return {
    weights: [...external, ...all.filter((weight) => !weight.external)],
    async write(path, produce, options = {}) {
      const data = `${basename(path)}.data`;
      const [places, dataPieces] = layOut(external, data);
      const pieces = modelPieces(kept, places, entries);
      if (lengthOf(pieces) > LARGEST_MODEL)
        failFormat('an ONNX file of less than 2 GiB', `${lengthOf(pieces)} bytes`, path);
      const digest = new Digest();
      const stage = (to: string, content: readonly Piece[]) =>
        stageFile(to, (sink) => writePieces(digest.of(sink), content, produce), options);
      const staged: StagedFile<void>[] = [];
      try {
        if (external.length > 0) staged.push(await stage(join(dirname(path), data), dataPieces));
        staged.push(await stage(path, pieces));
        options.signal?.throwIfAborted();
        await exchangeFiles(staged, external.length > 0 ? [path] : []);
        return { path, ...digest.result(), ...(external.length > 0 && { externalData: data }) };
      } catch (error) {
        await Promise.all(staged.map((file) => file.discard()));
        throw error;
      }
    },
  };
}

/** Where weights are in a file of their own, and its content. */
function layOut(
  weights: readonly OnnxWeight[],
  location: string,
): [ReadonlyMap<OnnxWeight, { location: string; offset: number }>, Piece[]] {
  const places = new Map<OnnxWeight, { location: string; offset: number }>();
  const pieces: Piece[] = [];
  let end = 0;
  for (const weight of weights) {
    const alignment = weight.byteLength < PAGE_BYTES ? ALIGNMENT : PAGE_BYTES;
    const offset = Math.ceil(end / alignment) * alignment;
    if (offset > end) pieces.push(new Uint8Array(offset - end));
    places.set(weight, { location, offset });
    pieces.push(weight);
    end = offset + weight.byteLength;
  }
  return [places, pieces];
}

async function writePieces(sink: FileSink, pieces: readonly Piece[], produce: ProduceTensor): Promise<void> {
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      for (let at = 0; at < piece.byteLength; at += HASHED_AT_ONCE) {
        await sink.write(piece.subarray(at, at + HASHED_AT_ONCE));
      }
      continue;
    }
    let written = 0;
    await produce(piece, (chunk) => {
      written += chunk.byteLength;
      return sink.write(chunk);
    });
    if (written !== piece.byteLength) {
      throw new RadinError(
        'FORMAT',
        `Expected ${piece.byteLength} bytes but received ${written} for tensor ${piece.name}`,
      );
    }
  }
}
