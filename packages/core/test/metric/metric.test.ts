import { expect, test } from 'vitest';
import { accuracy, crossEntropy, metricNamed, topK } from '../../src/metric/index.js';

test('accuracy and top-k are fractions of the samples', () => {
  expect(accuracy).toMatchObject({ name: 'accuracy', unit: 'fraction', measure: { kind: 'top', k: 1 } });
  expect(accuracy.score(3, 4)).toBe(0.75);
  expect(topK(5)).toMatchObject({ name: 'top-5', unit: 'fraction', measure: { kind: 'top', k: 5 } });
  expect(topK(5).score(0, 4)).toBe(0);
});

test('the cross-entropy is negated and averaged, so that higher is better', () => {
  expect(crossEntropy).toMatchObject({ name: 'cross-entropy', unit: 'nats', measure: { kind: 'cross-entropy' } });
  expect(crossEntropy.score(3, 4)).toBe(-0.75);
  expect(crossEntropy.score(1, 4)).toBeGreaterThan(crossEntropy.score(2, 4));
});

test('every metric is found by its own name', () => {
  for (const metric of [accuracy, crossEntropy, topK(2), topK(5), topK(1000)]) {
    expect(metricNamed(metric.name)).toMatchObject({ name: metric.name, unit: metric.unit, measure: metric.measure });
  }
  expect(metricNamed('top-1')?.name).toBe('accuracy');
});

test.each(['', 'Accuracy', 'loss', 'top', 'top-', 'top-0', 'top--1', 'top-1.5', 'top-05', 'top-5 ', 'top-1e3'])(
  'there is no metric called "%s"',
  (name) => {
    expect(metricNamed(name)).toBeUndefined();
  },
);
