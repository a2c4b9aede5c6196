export { CachingEvaluator } from './caching-evaluator.js';
export { CommandEvaluator, type CommandEvaluatorOptions } from './command-evaluator.js';
export type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
export type { GraphOptions } from './graph-plan.js';
export { LogitsKeys } from './logits-keys.js';
export { OnnxEvaluator, type OnnxEvaluatorOptions } from './onnx-evaluator.js';
export { passOfPool } from './pool-pass.js';
export { ONNXRUNTIME_VERSION } from './runtime-version.js';
