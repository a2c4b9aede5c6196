/** The tensors of one block of a network, by their names. */
export interface LayerGroups {
  readonly names: readonly string[];
  /** Of each tensor, its group's index in `names`. */
  readonly groupOf: readonly number[];
}

/** More groups than this cost memory, N² numbers each, and are those of names without structure: the last takes all others. */
const MOST_GROUPS = 128;
const OTHERS = '(others)';

/**
 * Groups tensors by the prefix of their names up to the block's number: `blocks.3.attn.qkv.weight` is in `blocks.3`,
 * `layer1.0.conv2.weight` in `layer1.0`. The number is the first part between dots or slashes that is one, else the first that ends
 * in one (`encoder_layer_3`, `conv1`); a name without numbers is in the group of all but its last part (`head.weight` in `head`).
 */
export function layerGroups(tensors: readonly string[]): LayerGroups {
  const indices = new Map<string, number>();
  const groupOf = tensors.map((name) => {
    const prefix = prefixOf(name);
    const known = indices.get(prefix);
    if (known !== undefined) return known;
    const group = indices.size < MOST_GROUPS - 1 ? prefix : OTHERS;
    const index = indices.get(group) ?? indices.size;
    indices.set(group, index);
    return index;
  });
  return { names: [...indices.keys()], groupOf };
}

function prefixOf(name: string): string {
  const parts = name.split(/(?<=[./])/); // each with the separator that ends it
  const part = (index: number) => (parts[index] as string).replace(/[./]$/, '');
  const number = parts.findIndex((_, index) => /^\d+$/.test(part(index)));
  const ending = parts.findIndex((_, index) => /\d$/.test(part(index)));
  const last = number >= 0 ? number : ending >= 0 ? ending : Math.max(parts.length - 2, 0);
  return parts
    .slice(0, last + 1)
    .join('')
    .replace(/[./]$/, '');
}
