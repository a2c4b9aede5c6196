export { accuracy, crossEntropy, isSum, type Metric, topK } from './metric.js';
export { type PredictionMeasure, type Predictions, predictionMetric, type Truth, truthOf } from './predictions.js';
export {
  defaultMetric,
  hasClasses,
  metricNamed,
  metricNames,
  MULTI_CLASS,
  TASKS,
  type Task,
  type TaskName,
} from './task.js';
