export { ADDON_PATH, BACKEND_NAMES, type Backend, type BackendStatus, listBackends } from '@radin/native';
export { checkLabels, type Inputs, type Labels, readLabels, readSplit, type Split } from './data/index.js';
export { escapeControls, quote, RadinError, type RadinErrorCode } from './errors/index.js';
export {
  type EvaluateOptions,
  type Evaluator,
  ONNXRUNTIME_VERSION,
  OnnxEvaluator,
  type OnnxEvaluatorOptions,
} from './evaluator/index.js';
export * from './formats/index.js';
export {
  type Logits,
  type LogitsFile,
  openLogits,
  type PoolLogits,
  poolLogits,
  type StoredLogits,
  storedInMemory,
  withLogitsFiles,
} from './logits/index.js';
export { accuracy, crossEntropy, type Metric, metricNamed, topK } from './metric/index.js';
export { averageSoups, Mixture, Soup, type SoupPart, writeSoup } from './mixture/index.js';
export {
  type Checkpoint,
  closeCheckpoints,
  contentSha256,
  duplicates,
  FileCheckpoint,
  inspectPool,
  modelId,
  openCheckpoints,
  Pool,
  type PoolInspection,
  poolProblems,
  readTensors,
  type TensorRead,
  type TensorSource,
  tensorSha256,
} from './pool/index.js';
export type { CallOptions, Progress } from './progress.js';
export { Random } from './random.js';
export * from './recipes/index.js';
export * from './report/index.js';
export {
  exhaustive,
  monteCarlo,
  type ProposalOptions,
  proposeCandidates,
  SAMPLERS,
  type Sampler,
} from './sampler/index.js';
export {
  ApproxScorer,
  type ApproxScorerOptions,
  type Candidate,
  checkProposal,
  type Ranking,
  type RankOptions,
  rankCandidates,
  rankProposal,
} from './stage1/index.js';
export { evaluateTop, type MixtureScorer, SplitScorer } from './stage2/index.js';
