export {
  type AverageRequest,
  type AverageTensor,
  type Backend,
  FLOAT_BYTES,
  type FloatDtype,
  type Measure,
  type RunOptions,
  type ScoreRequest,
} from './backend.js';
export { type BackendStatus, BackendUnavailableError, listBackends, openBackend } from './registry.js';
