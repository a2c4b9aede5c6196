export { type AddProductRequest, addProduct } from './add-product.js';
export { ADDON_PATH } from './addon.js';
export {
  type AllSubsets,
  type AllSubsetsRequest,
  type AverageRequest,
  type AverageTensor,
  type Backend,
  type Bank,
  type BankRequest,
  type BankStatistics,
  type CrossEntropy,
  type CrossEntropyBank,
  type CrossEntropyBankRequest,
  type CrossEntropyBounds,
  type CrossEntropyRequest,
  type FileRange,
  FLOAT_BYTES,
  type FloatDtype,
  type Gram,
  type GramRequest,
  type GramTensor,
  type LogitsArray,
  type LogitsRequest,
  leastAverageMemory,
  leastGramMemory,
  type Measure,
  MOST_MODELS_FOR_ALL_SUBSETS,
  type Predicted,
  type PredictRequest,
  type RunOptions,
  type SampleMeasure,
  type Source,
} from './backend.js';
export { endProcess } from './end-process.js';
export { type FileLock, lockFile } from './file-lock.js';
export { FLOAT_FORMATS } from './float-formats.js';
export { NaNError } from './nan-error.js';
export { NonFiniteLogitError } from './non-finite-logit-error.js';
export { BACKEND_NAMES, type BackendStatus, BackendUnavailableError, listBackends, openBackend } from './registry.js';
export { canHashTensors, type HashedTensor, hashTensors, type TensorHash } from './sha256.js';
export { SourceError } from './source-error.js';
