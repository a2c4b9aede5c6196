export { ADDON_PATH, BACKEND_NAMES, type Backend, type BackendStatus, endProcess, listBackends } from '@radin/native';
export {
  type CacheEntry,
  ContentCache,
  type ContentCacheOptions,
  listEntries,
  PassingCache,
  type PruneOptions,
  pruneEntries,
  verifyEntries,
} from './cache/index.js';
export {
  type ArrayFiles,
  arraySources,
  checkLabels,
  type InputFiles,
  Inputs,
  type Labels,
  readGroups,
  readLabels,
  readSplit,
  readTaskLabels,
  rowsOf,
  type Split,
  type SplitFiles,
} from './data/index.js';
export { escapeControls, fileError, machineError, quote, RadinError, type RadinErrorCode } from './errors/index.js';
export {
  CommandEvaluator,
  type CommandEvaluatorOptions,
  type EvaluateOptions,
  type EvaluationLimits,
  type Evaluator,
  type LoadedModel,
  LostEvaluation,
  MemoryMeter,
  ONNXRUNTIME_VERSION,
  OnnxEvaluator,
  type OnnxEvaluatorOptions,
} from './evaluator/index.js';
export * from './explanation/index.js';
export * from './formats/index.js';
export * from './huggingface/index.js';
export { type Fingerprint, JOURNAL_FILE, Journal, type JournalOptions, type Json } from './journal/index.js';
export {
  type Logits,
  type LogitsFile,
  LogitsStore,
  openLogits,
  type PoolLogits,
  poolLogits,
  type StoredLogits,
  storedInMemory,
  withLogitsFiles,
} from './logits/index.js';
export {
  accuracy,
  crossEntropy,
  defaultMetric,
  hasClasses,
  isMean,
  isSum,
  type Metric,
  MULTI_CLASS,
  metricNamed,
  metricNames,
  type PredictionMeasure,
  type Predictions,
  predictionMetric,
  TASKS,
  type Task,
  type TaskName,
  type Truth,
  topK,
} from './metric/index.js';
export {
  AVERAGING_VERSION,
  averageSoups,
  isOnnxPool,
  LOCK_FILE,
  Mixture,
  Soup,
  type SoupPart,
  type SoupRecord,
  writeSoup,
} from './mixture/index.js';
export {
  alignCheckpoints,
  basinWarnings,
  type Checkpoint,
  closeCheckpoints,
  contentSha256,
  distancesFromOthers,
  duplicates,
  FileCheckpoint,
  inspectPool,
  KnownContents,
  type MeasureOptions,
  measureGeometry,
  modelFile,
  modelFileIn,
  modelId,
  openCheckpoints,
  Pool,
  type PoolGeometry,
  type PoolInspection,
  poolProblems,
  readTensors,
  type TensorRead,
  type TensorSource,
  tensorSha256,
  WeightGeometry,
} from './pool/index.js';
export * from './problem/index.js';
export type { CallOptions, Progress, StoppableOptions } from './progress.js';
export * from './provenance/index.js';
export { Random } from './random.js';
export * from './recipes/index.js';
export * from './report/index.js';
export {
  type Criterion,
  checkSamplers,
  DEFAULT_SMOOTHING,
  type EnsembleScores,
  ESTIMATE_NAMES,
  type Estimate,
  type EstimateChoice,
  type EstimateName,
  exhaustive,
  monteCarlo,
  type Proposal,
  type ProposalOptions,
  proposeCandidates,
  SAMPLERS,
  type Sampler,
  type SamplerContext,
  subsets,
} from './sampler/index.js';
export {
  ApproxScorer,
  type ApproxScorerOptions,
  type Candidate,
  checkEstimate,
  checkProposal,
  outputsAreProbabilities,
  type Ranking,
  type RankOptions,
  rankCandidates,
  rankProposal,
  selectBest,
} from './stage1/index.js';
export {
  baseOf,
  COMPOSITE,
  checkRacing,
  type Evaluated,
  evaluateTop,
  type GapHyperparameters,
  GapModel,
  type GapModelOptions,
  type MeasuredPart,
  type MixtureScorer,
  pairedVariance,
  type Raced,
  type Racing,
  type Reused,
  raceTop,
  SoupEstimate,
  type SoupEstimateChoice,
  type SoupInParts,
  SplitScorer,
} from './stage2/index.js';
export * from './statistics/index.js';
export { unlessStopped } from './stop.js';
