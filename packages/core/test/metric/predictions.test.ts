import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Metric, metricNamed, metricNames, type Predictions, type TaskName } from '../../src/metric/index.js';
import { backendNamed } from '../../src/problem/index.js';
import { scoreLogits } from '../../src/stage2/evaluated.js';

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

function predictions(logits: Float32Array, samples: number, classes: number, truth: Predictions['truth']): Predictions {
  return { logits, samples, classes, truth, predict: () => backendNamed('auto').predict({ logits, classes }) };
}

function predictionsOf({ shape, logits, labels = [], targets, groups }: Case): Predictions {
  const truth = {
    labels: Int32Array.from(labels),
    ...(targets && { targets: Float64Array.from(targets) }),
    ...(groups && { groups: Int32Array.from(groups) }),
  };
  return predictions(Float32Array.from(logits), shape[0], shape[1], truth);
}

async function scoreOf(task: TaskName, name: string, given: Predictions): Promise<number> {
  const metric = metricNamed(name, task) as Metric;
  if (metric.measure.kind === 'predictions') return metric.measure.of(given);
  const { logits, truth } = given;
  return (await scoreLogits('m', { ...given, values: logits }, truth, { metric, backend: backendNamed('auto') })).score;
}

/** Squared errors are computed in float32. */
const precisionOf = (name: string) => (name === 'brier' ? 1e-6 : 1e-12);

describe.each(cases.map((one) => [`${one.task}, ${one.shape[1]} wide`, one] as const))('of %s', (_, one) => {
  test.each(Object.entries(one.values))('%s is what numpy computes', async (name, value) => {
    const found = await scoreOf(one.task, name, predictionsOf(one));
    expect(Math.abs(found - value)).toBeLessThan(precisionOf(name) * Math.max(1, Math.abs(value)));
  });
});

test('every metric that counts no samples and is no cross-entropy has a reference value', () => {
  for (const { task, values } of cases) {
    const wanted = metricNames(task).filter((name) => {
      const kind = metricNamed(name, task)?.measure.kind;
      return kind !== undefined && kind !== 'top' && kind !== 'cross-entropy';
    });
    expect(Object.keys(values).sort()).toEqual(wanted.sort());
  }
});

describe('perfect predictions', () => {
  const right = { labels: Int32Array.of(0, 1, 2), groups: Int32Array.of(0, 0, 1) };
  const logits = Float32Array.of(60, 0, 0, 0, 60, 0, 0, 0, 60);
  const perfect = predictions(logits, 3, 3, right);
  test.each([
    ['macro-f1', 1],
    ['balanced-accuracy', 1],
    ['auroc', 1],
    ['worst-group-accuracy', 1],
    ['brier', 0],
    ['ece', 0],
  ])('have %s %d', async (name, best) => {
    expect(await scoreOf('multi-class', name, perfect)).toBeCloseTo(best, 12);
  });

  test('of a single class have no area under the curve', async () => {
    expect(await scoreOf('multi-class', 'auroc', { ...perfect, truth: { labels: Int32Array.of(1, 1, 1) } })).toBeNaN();
  });
});

test('logits so large that exponentials overflow have finite losses', async () => {
  const truth = { labels: new Int32Array(), targets: Float64Array.of(1, 0, 0, 1) };
  const extreme = predictions(Float32Array.of(1e30, -1e30, 500, -500), 2, 2, truth);
  expect(await scoreOf('multi-label', 'cross-entropy', extreme)).toBe(-250);
  expect(await scoreOf('multi-label', 'brier', extreme)).toBeCloseTo(-0.5, 12);
});

test('samples with the same logits in another order are ties of the area under the curve', async () => {
  const [samples, classes] = [300, 7];
  const logits = Float32Array.from({ length: samples * classes }, (_, at) => ((at * at * 31 + at * 17) % 5) / 4);
  const labels = Int32Array.from({ length: samples }, (_, sample) => (sample * sample) % classes);
  // Sorted before they are added, sums of the same exponentials are the same.
  const probabilities = Array.from({ length: samples }, (_, sample) => {
    const row = Array.from(logits.subarray(sample * classes, (sample + 1) * classes));
    const exponentials = row.map((logit) => Math.exp(logit - Math.max(...row)));
    const sum = exponentials.toSorted((a, b) => a - b).reduce((all, one) => all + one, 0);
    return exponentials.map((one) => one / sum);
  });
  const areas: number[] = [];
  for (let c = 0; c < classes; c++) {
    const of = (isOf: boolean) =>
      probabilities.filter((_, sample) => (labels[sample] === c) === isOf).map((row) => row[c] as number);
    const [positive, negative] = [of(true), of(false)];
    if (positive.length === 0) continue;
    const above: number[] = positive.flatMap((p) => negative.map((q) => (p > q ? 1 : p === q ? 0.5 : 0)));
    areas.push(above.reduce((all, one) => all + one, 0) / above.length);
  }
  const expected = areas.reduce((all, one) => all + one, 0) / areas.length;
  const found = await scoreOf('multi-class', 'auroc', predictions(logits, samples, classes, { labels }));
  expect(Math.abs(found - expected)).toBeLessThan(1e-12);
});

test('of a target that is constant r2 is 0, or 1 where all is right, also where its mean rounds', async () => {
  const targets = Float64Array.of(0.1, 0.1, 0.1, 0.1, 0.1, 0.1);
  const of = (first: number, truth = targets) =>
    scoreOf(
      'regression',
      'r2',
      predictions(Float32Array.of(first, 0.5, 0.5, 0.5, 0.5, 0.5), 6, 1, { labels: new Int32Array(), targets: truth }),
    );
  expect(targets.reduce((sum, target) => sum + target, 0) / 6).not.toBe(0.1);
  expect(await of(0.25)).toBe(0);
  expect(await of(0.5, new Float64Array(6).fill(0.5))).toBe(1);
});

test('a name belongs to a task', () => {
  expect(metricNamed('mse')).toBeUndefined();
  expect(metricNamed('top-2', 'regression')).toBeUndefined();
  expect(metricNamed('top-2', 'token-classification')?.name).toBe('top-2');
  expect(metricNames('multi-class').slice(0, 3)).toEqual(['accuracy', 'top-K', 'cross-entropy']);
});

describe('a metric of many logits', () => {
  /** 2^21 logits, each class with its own samples; labels by turns there and not. */
  function many(classes: number): Predictions {
    const samples = 2 ** 21 / classes;
    const logits = Float32Array.from({ length: samples * classes }, (_, at) => Math.sin(at * at));
    const labels = Int32Array.from({ length: samples }, (_, sample) => sample % classes);
    return predictions(logits, samples, classes, {
      labels,
      targets: Float64Array.from(logits, (_, at) => at % 3 && 1),
    });
  }
  const wide = many(2 ** 10);

  test.each([
    ['multi-class', 'auroc', wide],
    ['multi-class', 'auroc', many(4)],
    ...['multi-label', 'regression'].flatMap((task) =>
      metricNames(task as TaskName).map((name) => [task, name, wide] as const),
    ),
  ] as [TaskName, string, Predictions][])(
    'of %s, %s, lets other events in and is abandoned by its signal',
    async (task, name, given) => {
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const { measure } = metricNamed(name, task) as Metric;
      if (measure.kind !== 'predictions') throw new Error('Expected a metric of predictions');
      const { predicted, sums } = await given.predict();
      const predict = async () => ({ predicted, sums });
      const outcome = Promise.resolve(measure.of({ ...given, predict, signal: controller.signal })).catch(
        (error) => error,
      );
      // What never let the event loop turn, or seldom, is finished before.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      controller.abort(reason);
      expect(await outcome).toBe(reason);
    },
  );
});
