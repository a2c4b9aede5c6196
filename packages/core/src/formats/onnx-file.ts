import type { FileRange, SourceError } from '@radin/native';
import { quote, RadinError } from '../errors/index.js';
import { inWritingOrder, type TensorInfo } from './dtype.js';
import { failFormat } from './format-error.js';
import { ExternalFiles } from './onnx-external.js';
import type { OnnxWeight } from './onnx-initializer.js';
import { type OnnxParts, readParts, weightsOf, withoutWeights } from './onnx-parts.js';
import { quantisedMessage } from './onnx-quantised.js';
import { describeOnnx, LARGEST_MODEL, type OnnxModel } from './onnx-reader.js';
import { openRegularFile, type RegularFile, unreadableFile } from './regular-file.js';
import type { TensorFile } from './tensor-file.js';

/** An open ONNX file with the weights of a model: its tensors are the float initializers of the main graph, in the order in which soups are written. */
export interface OnnxFile extends TensorFile {
  readonly metadata: undefined;
  /** Its graph. Initializers have data unless they are weights of more than one element, which count as external. */
  readonly graph: OnnxModel;
  /** For soups, which are copies of the file with other weights. */
  readonly parts: OnnxParts;
  /** Paths of the files with external data. */
  readonly externalFiles: readonly string[];
}

/**
 * Opens a complete model in ONNX. Weights are not read. External data must lie in regular files within the model's folder.
 * @throws RadinError `FORMAT` where it is no ONNX model, has no weights or computes with quantised numbers; `FILE` where one of its files cannot be read
 */
export async function openOnnx(path: string): Promise<OnnxFile> {
  const file = await openAnyOnnx(path);
  const { quantised } = file.graph;
  try {
    if (quantised !== undefined) throw new RadinError('FORMAT', quantisedMessage(quantised, path));
    if (file.tensors.length === 0) failFormat('float initializers as weights', 'none', path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens any ONNX file, also one that can't be averaged. @throws as `openOnnx` */
export async function openAnyOnnx(path: string): Promise<OnnxFile> {
  const file = await openRegularFile(path);
  const externals = new ExternalFiles(path);
  try {
    if (file.size > LARGEST_MODEL) {
      failFormat('an ONNX file of less than 2 GiB, with larger weights as external data,', `${file.size} bytes`, path);
    }
    const parts = await readParts(file, externals);
    return new OpenOnnx(file, externals, parts, describeOnnx(withoutWeights(parts), path));
  } catch (error) {
    await Promise.all([file.close(), externals.close()]);
    throw error;
  }
}

class OpenOnnx implements OnnxFile {
  readonly path: string;
  readonly tensors: readonly TensorInfo[];
  readonly metadata = undefined;
  readonly #file: RegularFile;
  readonly #externals: ExternalFiles;
  readonly #weights: ReadonlyMap<string, OnnxWeight>;

  constructor(
    file: RegularFile,
    externals: ExternalFiles,
    readonly parts: OnnxParts,
    readonly graph: OnnxModel,
  ) {
    const weights = weightsOf(parts);
    this.path = file.path;
    this.tensors = weights
      .map(({ name, dtype, shape, byteLength }) => ({ name, dtype, shape, byteLength }))
      .sort(inWritingOrder);
    this.#file = file;
    this.#externals = externals;
    this.#weights = new Map(weights.map((weight) => [weight.name, weight]));
  }

  get externalFiles(): readonly string[] {
    return this.#externals.files.map(({ path }) => path);
  }

  async read(name: string, target: Uint8Array, byteOffset = 0): Promise<void> {
    const { place, byteLength } = this.#weightOf(name);
    const end = byteOffset + target.byteLength;
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || end > byteLength) {
      throw new RangeError(
        `Expected bytes within the ${byteLength} of tensor ${quote(name)} but received ${byteOffset} to ${end}`,
      );
    }
    if ('bytes' in place) {
      target.set(place.bytes.subarray(byteOffset, end));
      return;
    }
    try {
      await place.file.read(target, place.position + byteOffset);
    } catch (error) {
      throw error instanceof RadinError ? inTensor(name, error) : error;
    }
  }

  range(name: string): FileRange | undefined {
    const { place, byteLength } = this.#weightOf(name);
    return 'bytes' in place ? undefined : { fd: place.file.fd, offset: place.position, byteLength };
  }

  unreadable(name: string, error: SourceError): RadinError {
    const { place, byteLength } = this.#weightOf(name);
    if ('bytes' in place) throw new RangeError(`Expected a tensor with a range but received ${quote(name)}`);
    const range = { fd: place.file.fd, offset: place.position, byteLength };
    return inTensor(name, unreadableFile(place.file.path, range, error));
  }

  /** Of the model and its external data. */
  async stamp(): Promise<string> {
    return (await Promise.all([this.#file, ...this.#externals.files].map((file) => file.stamp()))).join(';');
  }

  async close(): Promise<void> {
    await Promise.all([this.#file.close(), this.#externals.close()]);
  }

  #weightOf(name: string): OnnxWeight {
    const weight = this.#weights.get(name);
    if (weight !== undefined) return weight;
    throw new RangeError(`Expected the name of a tensor of ${this.path} but received ${quote(name)}`);
  }
}

function inTensor(name: string, error: RadinError): RadinError {
  return new RadinError(error.code, `${error.message}, tensor ${quote(name)}`, { cause: error });
}
