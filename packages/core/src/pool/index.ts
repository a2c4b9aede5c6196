export { alignCheckpoints, widestGraph } from './aligned.js';
export { basinWarnings, distancesFromOthers } from './basin.js';
export { type BatchNormFacts, batchNormFacts } from './batch-norm.js';
export {
  type Checkpoint,
  CONVERTED_BYTES,
  FileCheckpoint,
  readTensors,
  type TensorRead,
  type TensorSource,
} from './checkpoint.js';
export { graphProblems, unsuppliedInitializers } from './compatibility.js';
export { constantsOf } from './constants.js';
export { contentSha256, duplicates, type TensorContent, tensorContent } from './content.js';
export { tieEqualTensors } from './equal-ties.js';
export { checkEqualTensors, isAveraged, mustBeEqual, unequalTensor } from './exact-tensors.js';
export { type GraphNames, graphNames } from './graph-names.js';
export { inspectPool, type PoolInspection } from './inspect.js';
export { KnownContents } from './known-contents.js';
export { hubRepository, isInOwnFolder, MODEL_FILES, modelFile, modelFileIn, modelId } from './model-file.js';
export { closeCheckpoints, openCheckpoints, openInit, Pool, poolProblems } from './pool.js';
export { type MeasureOptions, measureGeometry, type PoolGeometry } from './pool-geometry.js';
export { WeightGeometry } from './weight-geometry.js';
