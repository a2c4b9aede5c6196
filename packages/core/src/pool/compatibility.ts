import { quote } from '../errors/index.js';
import { formatShape, isFloat, type OnnxModel, quantisedMessage, type TensorInfo } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';
import { type GraphNames, SAME_NAMES } from './graph-names.js';

/** Why a model does not belong to its pool: one line that names both sides. */
export interface Problem {
  /** The model's id; undefined for what concerns the whole pool. */
  readonly model?: string;
  readonly message: string;
}

/**
 * The models that do not have the pool's layout: the tensor names, shapes and dtypes that most models share (the first
 * model's among equals), so that one odd model is named and not all the others.
 */
export function layoutProblems(checkpoints: readonly [Checkpoint, ...Checkpoint[]]): Problem[] {
  const reference = mostCommonLayout(checkpoints);
  return checkpoints.flatMap((checkpoint) =>
    checkpoint === reference
      ? []
      : differences(reference, checkpoint).map((message) => ({ model: checkpoint.id, message })),
  );
}

/** Tensors of 8-bit floats, which have no average: one line for each model that has some. */
export function quantisedProblems(checkpoints: readonly Checkpoint[]): Problem[] {
  return checkpoints.flatMap(({ id, tensors }) => {
    const found = tensors.find(({ dtype }) => dtype.startsWith('F8'));
    if (found === undefined) return [];
    const message = quantisedMessage(`tensor ${quote(found.name)} of dtype ${found.dtype}`, `model ${id}`);
    return [{ model: id, message }];
  });
}

/** What of a model's layout contradicts the graph: weights that the graph does not have, or has in another shape or dtype. */
export function graphProblems(graph: OnnxModel, checkpoint: Checkpoint, names: GraphNames = SAME_NAMES): Problem[] {
  const initializers = new Map(graph.initializers.map((initializer) => [initializer.name, initializer]));
  const problems: Problem[] = [];
  for (const tensor of checkpoint.tensors) {
    const wanted = names.of(tensor.name);
    const initializer = initializers.get(wanted);
    if (initializer === undefined) {
      // Integer buffers such as BatchNorm's num_batches_tracked are in state dicts and not in graphs.
      if (!isFloat(tensor.dtype)) continue;
      // The graph has weights that layers share once.
      if (checkpoint.tied?.(tensor.name).some((name) => initializers.has(names.of(name)))) continue;
      problems.push({
        model: checkpoint.id,
        message: `Expected an initializer ${quote(wanted)} in the graph ${graph.path} because the model ${checkpoint.id} has a tensor ${wanted === tensor.name ? 'of that name' : quote(tensor.name)}, but found none (exporters rename weights when they fold constants, and merge weights of equal value; where all names differ alike, rename in radin.yaml or --rename maps them)`,
      });
    } else if (describe(initializer) !== describe(tensor)) {
      problems.push({
        model: checkpoint.id,
        message: `Expected tensor ${quote(tensor.name)} of model ${checkpoint.id} to be ${describe(initializer)} as in the graph ${graph.path} but found ${describe(tensor)}`,
      });
    }
  }
  return problems;
}

/** Float initializers of the graph, scalars aside, that no model supplies: every soup would use the graph's own value. */
export function unsuppliedInitializers(
  graph: OnnxModel,
  checkpoints: readonly Checkpoint[],
  names: GraphNames = SAME_NAMES,
): string[] {
  const supplied = new Set(checkpoints.flatMap(({ tensors }) => tensors.map(({ name }) => names.of(name))));
  return graph.initializers
    .filter(({ name, dtype, shape }) => isFloat(dtype) && shape.length > 0 && !supplied.has(name))
    .map(({ name }) => name);
}

function differences(reference: Checkpoint, checkpoint: Checkpoint): string[] {
  const found = new Map(checkpoint.tensors.map((tensor) => [tensor.name, tensor]));
  const messages: string[] = [];
  for (const expected of reference.tensors) {
    const tensor = found.get(expected.name);
    found.delete(expected.name);
    if (tensor === undefined) {
      messages.push(
        `Expected tensor ${quote(expected.name)} (${describe(expected)} in model ${reference.id}) but found none of that name in model ${checkpoint.id}`,
      );
    } else if (describe(tensor) !== describe(expected)) {
      messages.push(
        `Expected tensor ${quote(expected.name)} to be ${describe(expected)} as in model ${reference.id} but found ${describe(tensor)} in model ${checkpoint.id}`,
      );
    }
  }
  for (const tensor of found.values()) {
    messages.push(
      `Expected no tensor ${quote(tensor.name)}, which model ${reference.id} does not have, but found it (${describe(tensor)}) in model ${checkpoint.id}`,
    );
  }
  return messages;
}

export function mostCommonLayout(checkpoints: readonly [Checkpoint, ...Checkpoint[]]): Checkpoint {
  const groups = new Map<string, Checkpoint[]>();
  for (const checkpoint of checkpoints) {
    const layout = JSON.stringify(
      checkpoint.tensors
        .map(({ name, dtype, shape }) => [name, dtype, shape] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    groups.set(layout, [...(groups.get(layout) ?? []), checkpoint]);
  }
  const largest = [...groups.values()].reduce((most, group) => (group.length > most.length ? group : most));
  return largest[0] ?? checkpoints[0];
}

function describe({ dtype, shape }: Pick<TensorInfo, 'dtype' | 'shape'>): string {
  return `${dtype} ${formatShape(shape)}`;
}
