import type { TensorInfo } from '../formats/index.js';

/** A part of one tensor of several soups. */
export interface SoupPart {
  readonly tensor: TensorInfo;
  /** Where the part begins in the tensor, at an element. */
  readonly byteOffset: number;
  /** One array for each soup, all of the part's length, filled with its bytes. */
  readonly outputs: readonly Uint8Array[];
}
