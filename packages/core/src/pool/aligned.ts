import { quote } from '../errors/index.js';
import {
  type Dtype,
  matchGraphs,
  type OnnxModel,
  renamedTensors,
  type TensorInfo,
  widenedTensors,
  widest,
  widestOnnx,
} from '../formats/index.js';
import type { FileCheckpoint } from './checkpoint.js';
import type { Problem } from './compatibility.js';

/** Models of a pool as they are averaged. */
export interface Aligned {
  readonly checkpoints: readonly FileCheckpoint[];
  /** Models in ONNX that are another graph than the first. */
  readonly problems: readonly Problem[];
  /** What the user should know, a line each. */
  readonly notices: readonly string[];
}

/**
 * Makes models alike that hold the same weights in different ways. Models in ONNX must be one graph; where exports gave its weights
 * different names, the reference's are used. Where models have a tensor in different floating-point types, all get the narrowest that
 * holds the numbers of all exactly, also that of the graph: F16 with F32 gives F32, F16 with BF16 F32 too.
 * @param reference the graph that models in ONNX must be, but for narrower types of floats; left out: see `widestGraph`
 * @param graph the graph that runs the models, if one is known
 * @param others tensors of models that are alike already, whose types count too
 */
export function alignCheckpoints(
  opened: readonly FileCheckpoint[],
  {
    reference,
    graph,
    others = [],
  }: {
    readonly reference?: OnnxModel | undefined;
    readonly graph?: OnnxModel | undefined;
    readonly others?: readonly TensorInfo[];
  } = {},
): Aligned {
  const named = withNamesOf(reference ?? widestGraph(opened), opened);
  const widened = widenTogether(named.checkpoints, [...(graph?.initializers ?? []), ...others]);
  return {
    checkpoints: widened.checkpoints,
    problems: named.problems,
    notices: [...named.notices, ...widened.notices],
  };
}

/** The graph of the model in ONNX whose weights have the widest types, which can hold the numbers of all; undefined where none is in ONNX. */
export function widestGraph(opened: readonly FileCheckpoint[]): OnnxModel | undefined {
  return widestOnnx(opened.flatMap(({ onnx }) => onnx ?? []))?.graph;
}

function withNamesOf(reference: OnnxModel | undefined, opened: readonly FileCheckpoint[]): Aligned {
  const problems: Problem[] = [];
  const notices: string[] = [];
  const checkpoints = opened.map((checkpoint) => {
    const graph = checkpoint.onnx?.graph;
    if (reference === undefined || graph === undefined || graph === reference) return checkpoint;
    const match = matchGraphs(reference, graph);
    if ('expected' in match) {
      const message = `Expected ${match.expected} as in ${reference.path} but found ${match.found} in ${graph.path}: models in ONNX must be one graph but for their weights`;
      problems.push({ model: checkpoint.id, message });
      return checkpoint;
    }
    const weights = new Set(checkpoint.tensors.map(({ name }) => name));
    const others = [...match.names].filter(([name, own]) => name !== own && weights.has(own));
    const [first] = others;
    if (first === undefined) return checkpoint;
    const [name, own] = first;
    notices.push(
      `${graph.path} is the graph of ${reference.path} with other names: its ${quote(own)} is taken for ${quote(name)}${others.length > 1 ? `, and so on for ${others.length} weights` : ''}`,
    );
    return checkpoint.seenAs((file) => renamedTensors(file, new Map(others)));
  });
  return { checkpoints, problems, notices };
}

function widenTogether(
  opened: readonly FileCheckpoint[],
  others: readonly Pick<TensorInfo, 'name' | 'dtype'>[],
): Aligned {
  const common = new Map<string, Dtype>();
  const floors = others.filter(({ name }) =>
    opened.some(({ tensors }) => tensors.some((tensor) => tensor.name === name)),
  );
  for (const { name, dtype } of [...opened.flatMap(({ tensors }) => tensors), ...floors]) {
    const both = widest(common.get(name) ?? dtype, dtype);
    // What has no common type is said where layouts are compared.
    if (both !== undefined) common.set(name, both);
  }
  const known = new Set(floors.map(({ name }) => name));
  for (const { name } of others.length === 0 ? [] : (opened[0]?.tensors ?? [])) {
    const shared = known.has(name) ? undefined : opened[0]?.tied(name).find((other) => known.has(other));
    // Weights that layers share stay equal only in one type.
    if (shared !== undefined) common.set(name, common.get(shared) as Dtype);
  }
  const notices: string[] = [];
  const checkpoints = opened.map((checkpoint) => {
    const narrow = checkpoint.tensors.filter(({ name, dtype }) => {
      const wanted = common.get(name) as Dtype;
      return wanted !== dtype && widest(dtype, wanted) === wanted;
    });
    const [first] = narrow;
    if (first === undefined) return checkpoint;
    const wider = common.get(first.name);
    notices.push(
      `${checkpoint.path} has ${first.dtype} where the soup has ${wider}, exactly the same numbers (tensor ${quote(first.name)}${narrow.length > 1 ? `, and ${narrow.length - 1} more` : ''})`,
    );
    return checkpoint.seenAs((file) => widenedTensors(file, common));
  });
  return { checkpoints, problems: [], notices };
}
