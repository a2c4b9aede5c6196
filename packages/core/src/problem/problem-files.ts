import type { ContentCache, ResultStore } from '../cache/index.js';
import type { InputFiles, SplitFiles } from '../data/index.js';
import type { CommandEvaluatorOptions, EvaluationLimits, MemoryMeter } from '../evaluator/index.js';
import type { Journal } from '../journal/index.js';
import type { Metric, Task } from '../metric/index.js';

/** Where the parts of a pool are. */
export interface PoolFiles {
  /** The ONNX graph; left out: that of `architecture` or else of the models in ONNX (`widestGraph`), or none where a program evaluates. */
  readonly graph?: string;
  /** Models in ONNX whose graph counts where `graph` is left out: see `widestOnnx`. */
  readonly architecture?: readonly string[];
  readonly models: readonly string[];
  /** What the models predict. Default: multi-class. */
  readonly task?: Task;
  readonly validation: SplitFiles;
  readonly test?: SplitFiles;
  /** The program that evaluates in the place of ONNX Runtime. */
  readonly evaluator?: CommandEvaluatorOptions;
  /** `.npy` files with the models' logits, computed elsewhere: one for each model, with its id as name. */
  readonly logits?: { readonly validation?: readonly string[]; readonly test?: readonly string[] };
  /** The graph's output with the logits, where it has several. */
  readonly output?: string;
  /** The key of the state dict in PyTorch checkpoints that hold several. */
  readonly stateDict?: string;
  /** Inputs on which the statistics of BatchNorm layers of every soup are estimated anew. */
  readonly batchNormInputs?: InputFiles;
  /** The model that LoRA adapters among the models change. */
  readonly base?: string;
  /** How tensor names of the models become the graph's, where they differ: see `graphNames`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** The checkpoint that all models were fine-tuned from, w_init. */
  readonly init?: string;
}

/** What a run will do, as far as its memory depends on it. */
export interface RunPlan {
  /** Mixtures that are scored and ranked. */
  readonly mixtures?: number;
  /** Whether a number is kept for each of the 2^N subsets. */
  readonly everySubset?: boolean;
  /** Soups that race, of which several stay open. */
  readonly racing?: number;
  /** Whether every model runs on the test split too. */
  readonly allOnTest?: boolean;
}

export interface ProblemOptions {
  readonly metric: Metric;
  /** Name of a backend, or `auto`. */
  readonly backend: string;
  readonly threads?: number;
  readonly batch?: number;
  /** What one evaluation may take. */
  readonly limits?: EvaluationLimits;
  /** Bytes that weights may take while models are evaluated: see `OnnxEvaluatorOptions`. */
  readonly maxWeightBytes?: number;
  /** The splits that are wanted; default: all that the pool has. */
  readonly splits?: readonly ('validation' | 'test')[];
  /** Keeps this fraction of the validation samples, chosen by the seed, out of all choices. */
  readonly holdOut?: { readonly fraction: number; readonly seed: number };
  /** Where logits and evaluations of earlier runs are, and those of this one will be; left out: nothing is remembered. */
  readonly cache?: ContentCache;
  /** The record of the run, from which it goes on, and which is to begin before anything is evaluated. */
  readonly journal?: Journal;
  /** Where the models' logits are kept in the place of `cache`. */
  readonly logitsStore?: ResultStore;
  /** What memory is predicted for. */
  readonly run?: RunPlan;
  /** Bytes of memory that the process may take: logits go to a file beyond a share of it, and fewer threads run. No result depends on it. */
  readonly maxMemory?: number;
  /** Told of the memory that processes take; it stays open. Left out: one of the problem's own. */
  readonly meter?: MemoryMeter;
}
