/** Elements that lie in memory or in a file in another order than row-major. */
export interface StridedLayout {
  readonly shape: readonly number[];
  /** In elements, ≥ 0. */
  readonly strides: readonly number[];
  readonly elementBytes: number;
}

/** Where elements `first` to `end`, counted in row-major order, lie: the least range that is sure to hold them, in elements. */
export function strideRange(
  { shape, strides }: StridedLayout,
  first: number,
  end: number,
): { begin: number; end: number } {
  const from = indexOf(shape, first);
  const to = indexOf(shape, end - 1);
  const apart = from.findIndex((index, axis) => index !== to[axis]);
  let least = 0;
  let most = 0;
  for (const [axis, stride] of strides.entries()) {
    const isWhole = apart >= 0 && axis > apart;
    least += isWhole ? 0 : (from[axis] as number) * stride;
    most += isWhole ? ((shape[axis] as number) - 1) * stride : (to[axis] as number) * stride;
  }
  return { begin: least, end: most + 1 };
}

/**
 * Copies elements `first` to `end`, counted in row-major order, to the start of `target`. @param source the bytes of `strideRange`,
 * as `target` aligned to the elements
 */
export function gatherStrided(
  layout: StridedLayout,
  first: number,
  end: number,
  source: Uint8Array,
  target: Uint8Array,
): void {
  const { begin } = strideRange(layout, first, end);
  const { shape, strides, elementBytes } = layout;
  // Eight bytes are copied as two numbers of four: a float64 may lose the bits of a NaN on its way.
  const unit = Math.min(elementBytes, 4);
  const units = elementBytes / unit;
  const [from, to] = [words(source, unit), words(target, unit)];
  const index = indexOf(shape, first);
  let at = index.reduce((sum, position, axis) => sum + position * (strides[axis] as number), -begin);
  for (let done = 0; done < end - first; done++) {
    for (let part = 0; part < units; part++) to[done * units + part] = from[at * units + part] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      at += strides[axis] as number;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      at -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
}

/** The index of an element along each axis. */
function indexOf(shape: readonly number[], element: number): number[] {
  const index = Array<number>(shape.length).fill(0);
  let left = element;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index[axis] = left % size;
    left = Math.floor(left / size);
  }
  return index;
}

function words({ buffer, byteOffset, byteLength }: Uint8Array, bytes: number): Uint8Array | Uint16Array | Uint32Array {
  if (bytes === 1) return new Uint8Array(buffer, byteOffset, byteLength);
  if (bytes === 2) return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}
