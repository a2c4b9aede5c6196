import type { AverageTensor } from './backend.js';

interface Range {
  readonly begin: number;
  readonly end: number;
  /** The name of the output, or undefined for an ingredient, which may overlap other ingredients. */
  readonly output?: string;
}

/**
 * No output may share a byte with an ingredient or another output: one thread would overwrite what another has yet to read.
 * @throws RangeError naming the output. Cost: O(n log n) in the number of arrays.
 */
export function requireDisjointOutputs(tensors: readonly AverageTensor[]): void {
  for (const ranges of rangesByBuffer(tensors).values()) {
    ranges.sort((a, b) => a.begin - b.begin);
    let ingredientsEnd = 0;
    let outputsEnd = 0;
    let lastOutput = '';
    for (const { begin, end, output } of ranges) {
      if (begin < outputsEnd || (output !== undefined && begin < ingredientsEnd)) {
        const name = output ?? lastOutput;
        throw new RangeError(`Expected memory of its own for ${name} but received an overlapping array`);
      }
      if (output === undefined) {
        ingredientsEnd = Math.max(ingredientsEnd, end);
      } else {
        outputsEnd = end;
        lastOutput = output;
      }
    }
  }
}

function rangesByBuffer(tensors: readonly AverageTensor[]): Map<ArrayBufferLike, Range[]> {
  const ranges = new Map<ArrayBufferLike, Range[]>();
  const add = (array: Uint8Array, output?: string) => {
    if (array.byteLength === 0) return;
    const begin = array.byteOffset;
    const range = { begin, end: begin + array.byteLength, ...(output === undefined ? {} : { output }) };
    const others = ranges.get(array.buffer);
    if (others) others.push(range);
    else ranges.set(array.buffer, [range]);
  };
  for (const [t, tensor] of tensors.entries()) {
    for (const ingredient of tensor.ingredients) if (ingredient instanceof Uint8Array) add(ingredient);
    for (const [b, output] of tensor.outputs.entries()) add(output, `tensors[${t}].outputs[${b}]`);
  }
  return ranges;
}
