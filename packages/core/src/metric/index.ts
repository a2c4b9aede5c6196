export { accuracy, crossEntropy, type Metric, metricNamed, topK } from './metric.js';
