export {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  type FileRange,
  FLOAT_BYTES,
  type FloatDtype,
  leastAverageMemory,
  type Measure,
  type RunOptions,
  type ScoreRequest,
  type Source,
} from './backend.js';
export { NaNError } from './nan-error.js';
export { type BackendStatus, BackendUnavailableError, listBackends, openBackend } from './registry.js';
export { SourceError } from './source-error.js';
