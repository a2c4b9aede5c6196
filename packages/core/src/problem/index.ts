export { type InspectedSplit, inspectProblem, namedInputs, type ProblemInspection } from './inspect-problem.js';
export { limitedBackend } from './limited-backend.js';
export { classesOf } from './open-memory.js';
export {
  averageMemory,
  inspectionMemory,
  leastMemory,
  logitsBytes,
  type MemoryShares,
  type Prediction,
  type PredictionListener,
  predictRun,
  type RunSizes,
  type ScoringShares,
  scoringMemory,
  shareMemory,
} from './predict.js';
export { backendNamed, Problem } from './problem.js';
export type { PoolFiles, ProblemOptions, RunPlan } from './problem-files.js';
export { type TimedPass, timePass } from './time-pass.js';
