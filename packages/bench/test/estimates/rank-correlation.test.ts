import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rankCorrelation } from '../../src/estimates/rank-correlation.js';

const PYTHON = '/usr/bin/python3';
const hasScipy = spawnSync(PYTHON, ['-c', 'import scipy.stats']).status === 0;
if (!hasScipy) process.stderr.write('scipy is not installed: the comparison with it is skipped\n');

it.skipIf(!hasScipy)('is scipy’s, ties included', () => {
  const a = [3, 1, 2, 2, 5, 2, 9, 1, 7, 3.5];
  const b = [2, 2, 1, 4, 4, 0, 8, -1, 4, 3];
  const program = `import scipy.stats; print(scipy.stats.spearmanr(${JSON.stringify(a)}, ${JSON.stringify(b)})[0])`;
  const { stdout } = spawnSync(PYTHON, ['-c', program]);
  expect(rankCorrelation(a, b)).toBeCloseTo(Number(stdout.toString()), 12);
});

it('depends on the order alone: 1 for any that rises, −1 for any that falls, NaN for none', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2 }), (values) => {
      expect(
        rankCorrelation(
          values,
          values.map((value) => Math.exp(value / 100)),
        ),
      ).toBeCloseTo(1, 12);
      expect(
        rankCorrelation(
          values,
          values.map((value) => -(value ** 3)),
        ),
      ).toBeCloseTo(-1, 12);
    }),
  );
  expect(rankCorrelation([1, 2, 3], [4, 4, 4])).toBeNaN();
});
