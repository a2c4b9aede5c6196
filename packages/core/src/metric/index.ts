export { accuracy, crossEntropy, isMean, isSum, type Metric, predictionMetric, topK } from './metric.js';
export { expectedShape, fitsTask, hasRank, statedClasses } from './output-shape.js';
export {
  type ClassMeasure,
  type PredictionMeasure,
  type Predictions,
  type SampleTerm,
  type Truth,
  truthOf,
} from './predictions.js';
export {
  defaultMetric,
  hasClasses,
  MULTI_CLASS,
  metricNamed,
  metricNames,
  TASKS,
  type Task,
  type TaskName,
} from './task.js';
