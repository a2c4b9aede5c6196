export {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  type CrossEntropy,
  type CrossEntropyBank,
  type CrossEntropyBankRequest,
  type CrossEntropyBounds,
  type CrossEntropyRequest,
  type FileRange,
  FLOAT_BYTES,
  type FloatDtype,
  type LogitsArray,
  type LogitsRequest,
  type Measure,
  type RunOptions,
  type ScoreRequest,
  type Source,
} from './backend.js';
export { type BackendStatus, BackendUnavailableError, listBackends, openBackend } from './registry.js';
export { SourceError } from './source-error.js';
