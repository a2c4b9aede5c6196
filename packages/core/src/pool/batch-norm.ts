import { graphNodes, isFloat, type OnnxModel } from '../formats/index.js';
import type { Checkpoint } from './checkpoint.js';
import { type GraphNames, SAME_NAMES } from './graph-names.js';

/** What a graph and its models say of BatchNorm, whose statistics are no weights and whose average is not that of the soup. */
export interface BatchNormFacts {
  /** BatchNormalization nodes of the graph. */
  readonly nodes: number;
  /** Whether convolutions look as if it had been folded into them at export. */
  readonly folded: boolean;
  /** What the user should know, a line each. */
  readonly notices: readonly string[];
}

/** The mean and variance among a BatchNormalization's inputs. */
const STATISTICS = [3, 4];
/** What PyTorch's exporter calls a convolution's weight that it has computed: it has no name in the module any more. */
const COMPUTED = /^onnx::Conv_\d+$/;

/** Looks at the graph's nodes and the names of the models' tensors; no weight is read. @param estimated whether statistics are estimated anew */
export function batchNormFacts(
  graph: OnnxModel,
  checkpoints: readonly Checkpoint[],
  names: GraphNames = SAME_NAMES,
  estimated = false,
): BatchNormFacts {
  const nodes = graphNodes(graph);
  const normalizations = nodes.filter(({ operator }) => operator === 'BatchNormalization');
  const tensors = checkpoints[0]?.tensors.filter(({ dtype }) => isFloat(dtype)) ?? [];
  const supplied = new Set(tensors.map(({ name }) => names.of(name)));
  const own = normalizations.filter(({ inputs }) => STATISTICS.some((at) => supplied.has(inputs[at] ?? '')));
  const initializers = new Set(graph.initializers.map(({ name }) => name));
  const missing = tensors.find(({ name }) => /(^|\.)running_mean$/.test(name) && !initializers.has(names.of(name)));
  const computed = nodes.find(
    ({ operator, inputs }) =>
      operator === 'Conv' &&
      inputs.length > 2 &&
      inputs[2] !== '' &&
      COMPUTED.test(inputs[1] ?? '') &&
      supplied.has(inputs[1] ?? ''),
  );
  const notices: string[] = [];
  if (own.length > 0 && !estimated) {
    notices.push(
      `the graph has ${own.length} BatchNormalization nodes of which soups get averaged running statistics, which often ruin them: --bn-inputs, with some hundred training inputs, has them estimated anew`,
    );
  }
  if (missing !== undefined) {
    notices.push(
      `the models have ${missing.name} and the graph has no such initializer: its exporter has folded BatchNorm into convolutions, and products of weights have no average that is a soup's; export again with do_constant_folding=False and training=TrainingMode.PRESERVE`,
    );
  } else if (normalizations.length === 0 && computed !== undefined) {
    notices.push(
      `the models have ${computed.inputs[1]}, a convolution's weight that was computed at export, and the graph has no BatchNormalization: where the network had BatchNorm it is folded in, and averages of products of weights are no soup; export again with do_constant_folding=False and training=TrainingMode.PRESERVE`,
    );
  }
  return { nodes: normalizations.length, folded: missing !== undefined || computed !== undefined, notices };
}
