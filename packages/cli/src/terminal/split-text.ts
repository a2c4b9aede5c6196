import type { InspectedSplit } from '@radin/core';

/** A split's samples and what one of them is, of every input by its name where there are several. */
export function splitText({ samples, dtype, shape, inputs }: Omit<InspectedSplit, 'name'>): string {
  const one = shape && `${dtype} [${shape.slice(1).join(', ')}]`;
  const all = inputs?.map((input) => `${input.name} ${input.dtype} [${input.shape.slice(1).join(', ')}]`).join(', ');
  const what = all ?? one;
  return `${samples} samples${what === undefined ? '' : ` of ${what}`}`;
}
