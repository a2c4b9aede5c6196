export type { EvaluateOptions, Evaluator, LoadedModel } from './evaluator.js';
export { OnnxEvaluator, type OnnxEvaluatorOptions } from './onnx-evaluator.js';
export { passOfPool } from './pool-pass.js';
export { ONNXRUNTIME_VERSION } from './runtime-version.js';
