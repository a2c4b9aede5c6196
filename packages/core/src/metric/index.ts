export { accuracy, crossEntropy, isSum, type Metric, predictionMetric, topK } from './metric.js';
export { expectedShape, fitsTask, hasRank, statedClasses } from './output-shape.js';
export { type PredictionMeasure, type Predictions, type Truth, truthOf } from './predictions.js';
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
