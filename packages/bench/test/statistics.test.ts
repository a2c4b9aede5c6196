import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mean, signFlipTest, standardError } from '../src/statistics.js';

const PYTHON = '/usr/bin/python3';
const hasScipy = spawnSync(PYTHON, ['-c', 'import scipy.stats']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: the comparison with it is skipped\n');

const differences = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 9 });

it('the p-value is the share of all sign patterns whose mean is at least as far from zero', () => {
  fc.assert(
    fc.property(differences, (values) => {
      const sums = Array.from({ length: 2 ** values.length }, (_, pattern) =>
        values.reduce((sum, value, i) => sum + (((pattern >> i) & 1) === 1 ? value : -value), 0),
      );
      const observed = Math.abs(values.reduce((sum, value) => sum + value, 0));
      const share = sums.filter((sum) => Math.abs(sum) >= observed).length / sums.length;
      expect(signFlipTest(values)).toBeCloseTo(share, 12);
    }),
  );
});

it.skipIf(!hasScipy)('p-value and standard error are those of scipy', () => {
  const values = [0.3, -0.1, 0.25, 0.4, -0.05, 0.2, 0.15, -0.2, 0.35, 0.1];
  const program = `
import numpy, scipy.stats
values = numpy.array(${JSON.stringify(values)})
test = scipy.stats.permutation_test((values,), numpy.mean, permutation_type='samples', n_resamples=numpy.inf)
print(test.pvalue, scipy.stats.sem(values))`;
  const { stdout } = spawnSync(PYTHON, ['-c', program], { encoding: 'utf8' });
  const [p, error] = stdout.trim().split(' ').map(Number) as [number, number];
  expect(signFlipTest(values)).toBeCloseTo(p, 12);
  expect(standardError(values)).toBeCloseTo(error, 12);
});

it('many differences are tested by drawn patterns, which agree with the exact share', () => {
  const few = Array.from({ length: 20 }, (_, i) => Math.sin(i) + 0.3);
  // Differences of 1e-9 change no sum that matters, but take the pattern past the exact test.
  const many = [...few, 1e-9, 1e-9];
  expect(Math.abs(signFlipTest(many) - signFlipTest(few))).toBeLessThan(0.01);
});

it('where nothing differs there is nothing to tell apart', () => {
  expect(signFlipTest([0, 0, 0])).toBe(1);
  expect(standardError([0, 0, 0])).toBe(0);
  expect(mean([1, 2, 6])).toBe(3);
});
