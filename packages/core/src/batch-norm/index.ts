export { BatchNormEstimator } from './estimator.js';
export { SoupWithStatistics, WithStatistics } from './with-statistics.js';
