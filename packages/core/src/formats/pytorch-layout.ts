import { quote } from '../errors/index.js';
import { dtypeBytes, formatShape, type TensorInfo, tensorBytes } from './dtype.js';
import { failFormat } from './format-error.js';
import type { TorchTensor } from './pytorch-vocabulary.js';
import type { ZipPlace } from './zip-archive.js';

/** Tensors whose elements lie in another order are gathered in memory from as much of their storage. */
const LARGEST_SPAN = 2 ** 28;

/** A tensor and where its elements are. */
export interface PlacedTensor extends TensorInfo {
  readonly storage: ZipPlace;
  /** Position in the file of the first element. */
  readonly position: number;
  /** Steps between elements; undefined where they lie one after the other in row-major order. */
  readonly strides: readonly number[] | undefined;
}

/**
 * Checks a tensor against the storage that it is a view of. @param storage the entry of the archive that holds the tensor's storage
 * @throws RadinError `FORMAT` naming file and tensor where storage and entry differ in size or the tensor reaches outside
 */
export function placeTensor(name: string, tensor: TorchTensor, storage: ZipPlace, path: string): PlacedTensor {
  const where = `${path}, tensor ${quote(name)}`;
  const { dtype, shape } = tensor;
  const stored = tensor.storage.count * (tensor.storage.dtype === undefined ? 1 : dtypeBytes(tensor.storage.dtype));
  if (stored !== storage.byteLength) {
    failFormat(`a storage of ${stored} bytes`, `an entry ${quote(storage.name)} of ${storage.byteLength}`, where);
  }
  const byteLength = tensorBytes(dtype, shape);
  if (byteLength === undefined) failFormat('fewer than 2^53 bytes', `${dtype} ${formatShape(shape)}`, where);
  const strides = isContiguous(tensor) ? undefined : tensor.strides;
  const begin = tensor.offset * dtypeBytes(dtype);
  if (byteLength > 0) {
    const span = spanOf(tensor);
    // Above 2^53 the sum is rounded, and then far outside.
    if (begin + span > storage.byteLength) {
      failFormat(
        `a tensor within the ${storage.byteLength} bytes of its storage`,
        `one that ends at byte ${begin + span} (${dtype} ${formatShape(shape)}, offset ${tensor.offset}, strides ${formatShape(tensor.strides)})`,
        where,
      );
    }
    if (strides !== undefined && span > LARGEST_SPAN) {
      failFormat(
        `a contiguous tensor, or one within ${LARGEST_SPAN} bytes`,
        `one of ${span} (save a copy of it: tensor.contiguous())`,
        where,
      );
    }
  }
  return { name, dtype, shape, byteLength, storage, position: storage.offset + begin, strides };
}

/** Bytes from a tensor's first element to the end of its last one in the storage. */
function spanOf({ dtype, shape, strides }: TorchTensor): number {
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  return (last + 1) * dtypeBytes(dtype);
}

function isContiguous({ shape, strides }: TorchTensor): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    if (size > 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}
