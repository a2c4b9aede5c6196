import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Metric, metricNamed, metricNames, type Predictions, type TaskName } from '../../src/metric/index.js';

/** A case of fixtures/write_metrics.py. */
interface Case {
  readonly task: TaskName;
  readonly shape: readonly [number, number];
  readonly logits: readonly number[];
  readonly labels?: readonly number[];
  readonly targets?: readonly number[];
  readonly groups?: readonly number[];
  readonly values: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL('./fixtures/metrics.json', import.meta.url), 'utf8'));

function predictionsOf({ shape, logits, labels = [], targets, groups }: Case): Predictions {
  const truth = {
    labels: Int32Array.from(labels),
    ...(targets && { targets: Float64Array.from(targets) }),
    ...(groups && { groups: Int32Array.from(groups) }),
  };
  return { logits: Float32Array.from(logits), samples: shape[0], classes: shape[1], truth };
}

function scoreOf(task: TaskName, name: string, predictions: Predictions): number {
  const { measure } = metricNamed(name, task) as Metric;
  if (measure.kind !== 'predictions') throw new RangeError(`Expected a metric of predictions but received ${name}`);
  return measure.of(predictions);
}

describe.each(cases.map((one) => [`${one.task}, ${one.shape[1]} wide`, one] as const))('of %s', (_, one) => {
  test.each(Object.entries(one.values))('%s is what numpy computes', (name, value) => {
    expect(Math.abs(scoreOf(one.task, name, predictionsOf(one)) - value)).toBeLessThan(
      1e-12 * Math.max(1, Math.abs(value)),
    );
  });
});

test('every metric that is no sum over the samples has a reference value', () => {
  for (const { task, values } of cases) {
    const wanted = metricNames(task).filter((name) => metricNamed(name, task)?.measure.kind === 'predictions');
    expect(Object.keys(values).sort()).toEqual(wanted.sort());
  }
});

describe('perfect predictions', () => {
  const right = { labels: Int32Array.of(0, 1, 2), groups: Int32Array.of(0, 0, 1) };
  const logits = Float32Array.of(60, 0, 0, 0, 60, 0, 0, 0, 60);
  const perfect = { logits, samples: 3, classes: 3, truth: right };
  test.each([
    ['macro-f1', 1],
    ['balanced-accuracy', 1],
    ['auroc', 1],
    ['worst-group-accuracy', 1],
    ['brier', 0],
    ['ece', 0],
  ])('have %s %d', (name, best) => {
    expect(scoreOf('multi-class', name, perfect)).toBeCloseTo(best, 12);
  });

  test('of a single class have no area under the curve', () => {
    expect(scoreOf('multi-class', 'auroc', { ...perfect, truth: { labels: Int32Array.of(1, 1, 1) } })).toBeNaN();
  });
});

test('logits so large that exponentials overflow have finite losses', () => {
  const truth = { labels: new Int32Array(), targets: Float64Array.of(1, 0, 0, 1) };
  const extreme = { logits: Float32Array.of(1e30, -1e30, 500, -500), samples: 2, classes: 2, truth };
  expect(scoreOf('multi-label', 'cross-entropy', extreme)).toBe(-250);
  expect(scoreOf('multi-label', 'brier', extreme)).toBeCloseTo(-0.5, 12);
});

test('a name belongs to a task', () => {
  expect(metricNamed('mse')).toBeUndefined();
  expect(metricNamed('top-2', 'regression')).toBeUndefined();
  expect(metricNamed('top-2', 'token-classification')?.name).toBe('top-2');
  expect(metricNames('multi-class').slice(0, 3)).toEqual(['accuracy', 'top-K', 'cross-entropy']);
});
