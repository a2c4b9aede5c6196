import type { InputsInfo } from '../data/index.js';
import { quote, RadinError } from '../errors/index.js';
import {
  checkOperators,
  type Dtype,
  formatShape,
  type GraphValue,
  liftInitializers,
  type OnnxModel,
  quantisedMessage,
} from '../formats/index.js';
import { expectedShape, hasRank, statedClasses, type TaskName } from '../metric/index.js';
import { type GraphNames, graphNames, type Pool } from '../pool/index.js';
import { tensorType, widens } from './tensor-types.js';

/** ONNX Runtime aligns its own buffers so; kernels with wide loads run fastest on fed weights that are aligned alike. */
const WEIGHT_ALIGNMENT = 64;

/** Where a weight lies in the one buffer that holds a model's weights. */
interface WeightSlot {
  /** In the graph. */
  readonly name: string;
  /** In the checkpoints. */
  readonly tensor: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** An input of the graph that the data go to. */
interface GraphInput {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: GraphValue['shape'];
}

/** How the graph is run with any weights: made once, the same for all models and soups. */
export interface GraphPlan {
  readonly path: string;
  /** The graph with its weights turned into required inputs. */
  readonly graph: Uint8Array;
  /** What is fed besides the weights, in the graph's order. */
  readonly inputs: readonly GraphInput[];
  readonly output: string;
  readonly names: GraphNames;
  readonly weights: readonly WeightSlot[];
  /** Bytes of the buffer that holds all weights. */
  readonly weightBytes: number;
  /** Samples per run where the graph fixes them. */
  readonly fixedBatch: number | undefined;
  readonly task: TaskName;
  /** C where the graph states it. */
  readonly classes: number | undefined;
}

/** What a graph and a pool leave open. */
export interface GraphOptions {
  /** The graph's output with the logits; may be left out where there is only one. */
  readonly output?: string;
  /** What the models predict, which says what shape the output has. Default: multi-class. */
  readonly task?: TaskName;
  /** How tensor names of checkpoints become the graph's: see `graphNames`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Initializers that stay in the graph, because all models have the graph's own values: see `constantsOf`. */
  readonly constants?: ReadonlySet<string>;
}

/** @throws RadinError */
export function planGraph(
  model: OnnxModel,
  pool: Pool,
  { output, rename, constants, task = 'multi-class' }: GraphOptions = {},
): GraphPlan {
  if (model.quantised !== undefined) throw new RadinError('GRAPH', quantisedMessage(model.quantised, model.path));
  checkOperators(model);
  const names = graphNames(model, pool.checkpoints, rename);
  pool.checkGraph(model, names);
  const { path } = model;
  const weights = new Set(model.initializers.map(({ name }) => name).filter((name) => !constants?.has(name)));
  let weightBytes = 0;
  const slots = pool.tensors
    .filter(({ name }) => weights.has(names.of(name)))
    .map(({ name: tensor, dtype, shape, byteLength }) => {
      const name = names.of(tensor);
      if (tensorType(dtype) === undefined) {
        throw new RadinError(
          'GRAPH',
          `Expected weights of a dtype that ONNX Runtime takes as an input but found ${dtype} in ${path}, tensor ${quote(name)}`,
        );
      }
      const byteOffset = weightBytes;
      weightBytes += Math.ceil(byteLength / WEIGHT_ALIGNMENT) * WEIGHT_ALIGNMENT;
      return { name, tensor, dtype, shape, byteOffset, byteLength };
    });
  const inputs = graphInputs(model);
  const logits = chooseOutput(model, output);
  const batch = fixedBatch(inputs, path);
  const classes = statedClasses(task, logits.shape);
  if (
    logits.shape !== undefined &&
    !(hasRank(task, logits.shape.length) && (task !== 'multi-class' || classes !== 1))
  ) {
    throw new RadinError(
      'GRAPH',
      `Expected logits of shape ${expectedShape(task, 'batch')} but found ${formatValueShape(logits)} in ${path}, output ${quote(logits.name)}${task === 'multi-class' ? otherTask(logits.shape.length) : ''}`,
    );
  }
  return {
    path,
    graph: liftInitializers(model, new Set(slots.map(({ name }) => name))),
    inputs,
    output: logits.name,
    names,
    weights: slots,
    weightBytes,
    fixedBatch: batch,
    task,
    classes,
  };
}

/** @throws RadinError where the inputs are not the graph's, or their shape or dtype does not fit. */
export function checkInputs(plan: Pick<GraphPlan, 'inputs'>, inputs: InputsInfo): void {
  const given = [inputs, ...(inputs.others ?? [])];
  const [only, ...more] = plan.inputs as readonly [GraphInput, ...GraphInput[]];
  if (more.length === 0 && given.length === 1 && inputs.name === undefined) {
    checkInput(only, inputs);
    return;
  }
  const wanted = plan.inputs.map(({ name }) => quote(name)).join(', ');
  const unnamed = given.find(({ name }) => name === undefined);
  if (unnamed !== undefined) {
    throw new RadinError(
      'DATA',
      `Expected an array for each of the graph's inputs ${wanted} (inputs: { NAME: FILE, … } in radin.yaml) but found one without a name, ${unnamed.path}`,
    );
  }
  for (const { name, path } of given) {
    if (plan.inputs.some((input) => input.name === name)) continue;
    throw new RadinError(
      'DATA',
      `Expected arrays for the graph's inputs ${wanted} but found ${quote(name as string)}, ${path}`,
    );
  }
  for (const input of plan.inputs) {
    const found = given.find(({ name }) => name === input.name);
    if (found === undefined) {
      throw new RadinError(
        'DATA',
        `Expected an array for the graph's input ${quote(input.name)} but found none beside ${inputs.path}`,
      );
    }
    checkInput(input, found);
  }
}

function checkInput(input: GraphInput, found: Pick<InputsInfo, 'path' | 'dtype' | 'shape'>): void {
  const { name, dtype, shape } = input;
  if (!widens(found.dtype, dtype)) {
    throw new RadinError(
      'DATA',
      `Expected inputs of dtype ${dtype}, or of one that it holds exactly, for the graph's input ${quote(name)} but found ${found.dtype} in ${found.path}`,
    );
  }
  const fits =
    shape === undefined ||
    (shape.length === found.shape.length &&
      shape.every((size, axis) => axis === 0 || typeof size !== 'number' || size === found.shape[axis]));
  if (!fits) {
    throw new RadinError(
      'DATA',
      `Expected inputs of shape ${formatValueShape(input)} for the graph's input ${quote(name)} but found ${formatShape(found.shape)} in ${found.path}`,
    );
  }
}

function graphInputs(model: OnnxModel): GraphInput[] {
  if (model.inputs.length === 0) {
    throw new RadinError('GRAPH', `Expected an input besides the weights but found none in ${model.path}`);
  }
  return model.inputs.map(({ name, dtype, shape }) => {
    if (dtype !== undefined && tensorType(dtype) !== undefined) return { name, dtype, shape };
    throw new RadinError(
      'GRAPH',
      `Expected an input of numbers but found another type in ${model.path}, input ${quote(name)}`,
    );
  });
}

/** The samples of a run, where the graph fixes them. @throws RadinError where it fixes none, or different numbers */
function fixedBatch(inputs: readonly GraphInput[], path: string): number | undefined {
  let fixed: number | undefined;
  for (const { name, shape } of inputs) {
    const [batch] = shape ?? [];
    if (typeof batch !== 'number') continue;
    if (batch === 0) {
      throw new RadinError(
        'GRAPH',
        `Expected a batch of at least one sample but found 0 in ${path}, input ${quote(name)}`,
      );
    }
    if (fixed !== undefined && fixed !== batch) {
      throw new RadinError(
        'GRAPH',
        `Expected one size of the batch in all inputs but found ${fixed} and ${batch} in ${path}`,
      );
    }
    fixed = batch;
  }
  return fixed;
}

function chooseOutput(model: OnnxModel, wanted: string | undefined): GraphValue {
  const [first, ...others] = model.outputs;
  if (wanted !== undefined) {
    const found = model.outputs.find(({ name }) => name === wanted);
    if (found !== undefined) return found;
    throw new RadinError(
      'GRAPH',
      `Expected an output ${quote(wanted)} but found ${listed(model.outputs)} in ${model.path}`,
    );
  }
  if (first === undefined || others.length > 0) {
    throw new RadinError(
      'GRAPH',
      `Expected one output but found ${listed(model.outputs)} in ${model.path}: name the one with the logits (output: NAME in radin.yaml, or --output NAME)`,
    );
  }
  return first;
}

/** What else a graph may be meant for. */
function otherTask(rank: number): string {
  const tasks = rank === 3 ? 'token-classification' : rank < 3 ? 'binary or regression' : undefined;
  return tasks === undefined ? '' : `; for other tasks than multi-class: task: ${tasks} in radin.yaml, or --task`;
}

function listed(values: readonly GraphValue[]): string {
  return values.length === 0 ? 'none' : values.map(({ name }) => quote(name)).join(', ');
}

function formatValueShape({ shape }: Pick<GraphValue, 'shape'>): string {
  return `[${(shape ?? []).map((size) => size ?? '?').join(', ')}]`;
}
