import { quote, RadinError } from '../errors/index.js';
import { formatShape, isFloat, type OnnxModel } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';

/** What tensors of checkpoints are called in the graph. Soups keep the checkpoints' own names. */
export interface GraphNames {
  of(name: string): string;
  /** What the user should know: that names were found to differ by a prefix. */
  readonly notice?: string;
}

/** Where the checkpoints' names are the graph's. */
export const SAME_NAMES: GraphNames = { of: (name) => name };

/**
 * How the models' tensor names become those of the graph. `rename` says it: keys that end in a dot, and the empty one, are beginnings
 * of names, of which the longest counts, others are whole names, which come first. Without it names stay as they are or, where some
 * are not in the graph, lose or get the one prefix with which all float tensors of all models are in the graph, with their dtypes and shapes.
 * @throws RadinError where `rename` has an entry for nothing or gives two tensors one name, or several prefixes fit
 */
export function graphNames(
  graph: OnnxModel,
  checkpoints: readonly Checkpoint[],
  rename: Readonly<Record<string, string>> | undefined,
): GraphNames {
  if (rename !== undefined) return renamed(checkpoints, new Map(Object.entries(rename)));
  const initializers = new Map(graph.initializers.map((initializer) => [initializer.name, layoutOf(initializer)]));
  const weights = new Map<string, string>();
  for (const { tensors } of checkpoints) {
    for (const tensor of tensors) if (isFloat(tensor.dtype)) weights.set(tensor.name, layoutOf(tensor));
  }
  if ([...weights.keys()].every((name) => initializers.has(name))) return SAME_NAMES;
  const own = [...weights.keys()].find((name) => checkpoints.every((one) => !one.tied?.(name).length));
  const first = own ?? [...weights.keys()][0];
  // The graph has weights that layers share once.
  const fits = ({ of }: Prefix) =>
    [...weights].every(([name, layout]) => {
      const isThere = (one: string) => initializers.get(of(one) ?? '') === layout;
      return isThere(name) || checkpoints.every((checkpoint) => checkpoint.tied?.(name).some(isThere));
    });
  const [found, other] = prefixes(first ?? '', initializers.keys()).filter(fits);
  if (found === undefined) return SAME_NAMES;
  if (other !== undefined) {
    throw new RadinError(
      'CONFIG',
      `Expected one prefix by which the models' tensor names differ from those of the graph ${graph.path} but found two that fit: without ${found.description} or ${other.description}; choose with rename in radin.yaml or --rename`,
    );
  }
  const of = (name: string) => found.of(name) ?? name;
  return {
    of,
    notice: `the models' tensor names are those of the graph ${found.description}: ${quote(first ?? '')} is taken for ${quote(of(first ?? ''))}, and so on`,
  };
}

interface Prefix {
  readonly of: (name: string) => string | undefined;
  readonly description: string;
}

/** Every prefix that turns the model's name into one of the graph's. */
function prefixes(name: string, graphNames: Iterable<string>): Prefix[] {
  const found: Prefix[] = [];
  for (const wanted of graphNames) {
    const removed = name.endsWith(wanted) ? name.slice(0, name.length - wanted.length) : '';
    const added = wanted.endsWith(name) ? wanted.slice(0, wanted.length - name.length) : '';
    if (/[./]$/.test(removed)) {
      const of = (from: string) => (from.startsWith(removed) ? from.slice(removed.length) : undefined);
      found.push({ of, description: `with the prefix ${quote(removed)}` });
    }
    if (/[./]$/.test(added)) {
      found.push({ of: (from) => `${added}${from}`, description: `without the prefix ${quote(added)}` });
    }
  }
  return found;
}

function renamed(checkpoints: readonly Checkpoint[], rename: ReadonlyMap<string, string>): GraphNames {
  const beginnings = [...rename.keys()]
    .filter((key) => key === '' || key.endsWith('.'))
    .sort((a, b) => b.length - a.length);
  const keyOf = (name: string) => {
    if (rename.has(name) && !beginnings.includes(name)) return name;
    return beginnings.find((beginning) => name.startsWith(beginning));
  };
  const of = (name: string) => {
    const key = keyOf(name);
    if (key === undefined) return name;
    const to = rename.get(key) as string;
    return key === name && !beginnings.includes(key) ? to : `${to}${name.slice(key.length)}`;
  };
  const used = new Set<string>();
  for (const { id, tensors } of checkpoints) {
    const taken = new Map<string, string>();
    for (const { name } of tensors) {
      used.add(keyOf(name) ?? name);
      const earlier = taken.get(of(name));
      if (earlier !== undefined) {
        throw new RadinError(
          'CONFIG',
          `Expected rename to give each tensor a name of its own but found ${quote(of(name))} for both ${quote(earlier)} and ${quote(name)} of model ${id}`,
        );
      }
      taken.set(of(name), name);
    }
  }
  const unused = [...rename.keys()].find((key) => !used.has(key));
  if (unused !== undefined) {
    const what = beginnings.includes(unused) ? 'whose name begins with' : 'called';
    throw new RadinError('CONFIG', `Expected a tensor ${what} ${quote(unused)}, which rename names, but found none`);
  }
  return { of };
}

function layoutOf({ dtype, shape }: { dtype: string; shape: readonly number[] }): string {
  return `${dtype} ${formatShape(shape)}`;
}
