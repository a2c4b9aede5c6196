export { basinWarnings } from './basin.js';
export { type Checkpoint, FileCheckpoint, readTensors, type TensorRead, type TensorSource } from './checkpoint.js';
export { graphProblems, unsuppliedInitializers } from './compatibility.js';
export { contentSha256, duplicates, tensorSha256 } from './content.js';
export { checkEqualTensors, isAveraged, mustBeEqual, unequalTensor } from './exact-tensors.js';
export { inspectPool, type PoolInspection } from './inspect.js';
export { closeCheckpoints, modelId, openCheckpoints, Pool, poolProblems } from './pool.js';
export { type MeasureOptions, measureGeometry, type PoolGeometry } from './pool-geometry.js';
export { WeightGeometry } from './weight-geometry.js';
