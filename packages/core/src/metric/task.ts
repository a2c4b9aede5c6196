import { auroc, multiLabelAuroc } from './auroc.js';
import { balancedAccuracy, macroF1, worstGroupAccuracy } from './counted.js';
import { LABEL_METRICS } from './labels.js';
import { accuracy, crossEntropy, type Metric, topK } from './metric.js';
import { binaryBrier, brier, expectedCalibrationError } from './probabilities.js';
import { REGRESSION_METRICS } from './regression.js';

/** What models predict; docs/metrics.md has the shapes of outputs and labels. */
export const TASKS = ['multi-class', 'binary', 'multi-label', 'token-classification', 'regression'] as const;

export type TaskName = (typeof TASKS)[number];

export interface Task {
  readonly name: TaskName;
  /** Of token classification, what labels have for tokens that do not count. Default: −100. */
  readonly ignoreIndex?: number;
}

export const MULTI_CLASS: Task = { name: 'multi-class' };

/** Whether each sample, or token, has one of C classes: what logits, cross-entropy and counts of right samples need. */
export function hasClasses(task: TaskName): boolean {
  return task !== 'multi-label' && task !== 'regression';
}

const classMetrics = (ofProbabilities: Metric) => [
  accuracy,
  crossEntropy,
  macroF1,
  balancedAccuracy,
  ofProbabilities,
  expectedCalibrationError,
  auroc,
  worstGroupAccuracy,
];

/** The metrics of each task by name, its default first; with classes there is top-K too. */
const METRICS: Readonly<Record<TaskName, readonly Metric[]>> = {
  'multi-class': classMetrics(brier),
  binary: classMetrics(binaryBrier),
  'multi-label': [...LABEL_METRICS, multiLabelAuroc].map(withoutClasses),
  'token-classification': classMetrics(brier),
  regression: REGRESSION_METRICS.map(withoutClasses),
};

function withoutClasses(metric: Metric): Metric {
  return { ...metric, withoutClasses: true };
}

/** What a task is scored by where nothing else is asked for. */
export function defaultMetric(task: TaskName): Metric {
  return METRICS[task][0] as Metric;
}

/** The task's metric of that name; undefined if it has none. `top-K` with K ≥ 1 is one where there are classes. */
export function metricNamed(name: string, task: TaskName = 'multi-class'): Metric | undefined {
  const known = METRICS[task].find((metric) => metric.name === name);
  if (known !== undefined || !hasClasses(task)) return known;
  const k = /^top-([1-9]\d{0,8})$/.exec(name)?.[1];
  return k === undefined ? undefined : topK(Number(k));
}

/** Names of the task's metrics, as errors and help list them. */
export function metricNames(task: TaskName): string[] {
  const [first, ...others] = METRICS[task].map(({ name }) => name) as [string, ...string[]];
  return [first, ...(hasClasses(task) ? ['top-K'] : []), ...others];
}
