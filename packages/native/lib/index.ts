export { ADDON_PATH } from './addon.js';
export {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  type FileRange,
  FLOAT_BYTES,
  type FloatDtype,
  type Measure,
  type RunOptions,
  type ScoreRequest,
  type Source,
} from './backend.js';
export { BACKEND_NAMES, type BackendStatus, BackendUnavailableError, listBackends, openBackend } from './registry.js';
export { SourceError } from './source-error.js';
