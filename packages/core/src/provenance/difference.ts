import { quote } from '../errors/index.js';
import { type Dtype, dtypeBytes, formatShape, inWritingOrder, type TensorInfo } from '../formats/index.js';
import { tensorChunks } from '../mixture/index.js';
import type { Checkpoint } from '../pool/index.js';

/** The first thing that is not as it was recorded. */
export interface Difference {
  readonly kind: 'record' | 'ingredient' | 'split' | 'tensor' | 'file' | 'score';
  /** The ingredient's id, the tensor's name, the file, the split, or the record's key. */
  readonly name: string;
  /** Of a tensor, row-major. */
  readonly element?: number;
  /** In one line, what was expected and what was found. */
  readonly message: string;
}

/**
 * The first tensor, in the order in which soups are written, that two checkpoints do not have alike, to the bit.
 * @param file the soup's, for the message. Memory: four windows of 8 MiB. @throws RadinError as reading does; the signal's reason
 */
export async function firstDifference(
  soup: Checkpoint,
  rebuilt: Checkpoint,
  file: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Difference | undefined> {
  const tensors = [...rebuilt.tensors].sort(inWritingOrder);
  const layout = otherLayout(soup, tensors, file);
  if (layout !== undefined) return layout;
  const [theirs, ours] = [tensorChunks(soup, tensors, options), tensorChunks(rebuilt, tensors, options)];
  try {
    for (const { name, dtype, byteLength } of tensors) {
      for (let at = 0; at < byteLength; ) {
        const [found, expected] = await Promise.all([theirs.next(), ours.next()]);
        const [a, b] = [found.value as Uint8Array, expected.value as Uint8Array];
        if (Buffer.compare(a, b) !== 0) return otherElement(name, dtype, at, b, a, file);
        at += a.byteLength;
      }
    }
    return undefined;
  } finally {
    await Promise.all([theirs.return(undefined), ours.return(undefined)]);
  }
}

function otherLayout(soup: Checkpoint, tensors: readonly TensorInfo[], file: string): Difference | undefined {
  const describe = ({ dtype, shape }: TensorInfo) => `${dtype} ${formatShape(shape)}`;
  const found = new Map(soup.tensors.map((tensor) => [tensor.name, tensor]));
  for (const tensor of tensors) {
    const other = found.get(tensor.name);
    found.delete(tensor.name);
    if (other !== undefined && describe(other) === describe(tensor)) continue;
    const message = `Expected tensor ${quote(tensor.name)} of ${describe(tensor)}, as the ingredients have it, but found ${other === undefined ? 'none' : describe(other)} in ${file}`;
    return { kind: 'tensor', name: tensor.name, message };
  }
  const [more] = found.values();
  if (more === undefined) return undefined;
  const message = `Expected the tensors of the ingredients but found ${quote(more.name)} too in ${file}`;
  return { kind: 'tensor', name: more.name, message };
}

function otherElement(
  name: string,
  dtype: Dtype,
  offset: number,
  expected: Uint8Array,
  found: Uint8Array,
  file: string,
): Difference {
  const size = dtypeBytes(dtype);
  const at = Math.floor(expected.findIndex((byte, index) => byte !== found[index]) / size) * size;
  const element = (offset + at) / size;
  const bits = (bytes: Uint8Array) =>
    `0x${Buffer.from(bytes.subarray(at, at + size))
      .reverse()
      .toString('hex')}`;
  const message = `Expected the average of the ingredients, ${bits(expected)}, but found ${bits(found)} in ${file}, tensor ${quote(name)}, element ${element}`;
  return { kind: 'tensor', name, element, message };
}
