import { isAbsolute, join } from 'node:path';
import {
  defaultMetric,
  type Metric,
  metricNamed,
  metricNames,
  quote,
  RadinError,
  TASKS,
  type TaskName,
} from '@radin/core';

/** What asks for a metric, and where. */
export interface MetricChoice {
  /** A metric's name or the path of a module. */
  readonly text: string;
  /** What paths are relative to. */
  readonly folder: string;
  /** `--metric`, or `"metric"` with `at`, the place in a file. */
  readonly key: string;
  readonly at?: string;
}

/** What an error or a help lists: `accuracy, top-K, … or the path of a module, ./metric.mjs`. */
function listed(task: TaskName): string {
  return `${metricNames(task).join(', ')} or a module such as ./metric.mjs`;
}

/** The metric that was asked for, of the task, or its default. @throws RadinError */
export async function chooseMetric(choice: MetricChoice | undefined, task: TaskName): Promise<Metric> {
  if (choice === undefined) return defaultMetric(task);
  const { text, folder } = choice;
  const named = metricNamed(text, task);
  if (named !== undefined) return named;
  if (isModule(text)) {
    const { loadUserMetric } = await import('./user-metric.js');
    return loadUserMetric(isAbsolute(text) ? text : join(folder, text), task);
  }
  throw noMetric(choice, task);
}

/** The error for a text that is no metric of the task. */
export function noMetric({ text, key, at }: Omit<MetricChoice, 'folder'>, task: TaskName): RadinError {
  return new RadinError(
    'CONFIG',
    `Expected ${key} to be ${listed(task)} but found ${quote(text)}${at === undefined ? '' : ` at ${at}`}${task === 'multi-class' ? '' : `, for the task ${task}`}`,
  );
}

/** Whether a text can be a metric of any task. */
export function isMetric(text: string): boolean {
  return isModule(text) || TASKS.some((task) => metricNamed(text, task) !== undefined);
}

function isModule(text: string): boolean {
  return /\.m?js$/.test(text);
}

/** The flag's metric in front of the file's. */
export function metricFlag(text: string | undefined): MetricChoice | undefined {
  return text === undefined ? undefined : { text, folder: '.', key: '--metric' };
}
