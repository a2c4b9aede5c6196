import { expect, it } from 'vitest';
import { type Contender, interleave } from '../src/interleave.js';

const effort = { rounds: 5, secondsPerRun: 1, secondsInAll: 100 };

function contender(name: string, log: string[], steps = 1, secondsPerStep = 0.001): Contender {
  return {
    name,
    side: 'ours',
    threads: 1,
    steps,
    run: async (count) => {
      log.push(`${name}${count}`);
      return count * secondsPerStep;
    },
  };
}

it('contenders take turns after their warm-up', async () => {
  const log: string[] = [];
  const rows = await interleave([contender('a', log), contender('b', log)], { ...effort, rounds: 2 }, () => {});
  expect(log.slice(-4)).toEqual(['a1', 'b1', 'a1', 'b1']);
  expect(rows.map(({ name, share, seconds }) => [name, share, seconds.length])).toEqual([
    ['a', 1, 2],
    ['b', 1, 2],
  ]);
});

it('a contender that would take too long does a part of its steps, and its share says which', async () => {
  const [row] = await interleave([contender('slow', [], 640, 0.01)], effort, () => {});
  expect(row?.share).toBeCloseTo(100 / 640, 10);
  expect(row?.seconds).toEqual(Array(5).fill(1));
});

it('a contender that has taken its time sits out the last rounds, but not the first three', async () => {
  const [row] = await interleave([contender('slow', [], 1, 60)], effort, () => {});
  expect(row?.seconds.length).toBe(3);
});

it('a contender that fails is reported and left out', async () => {
  const failing = { ...contender('b', []), run: () => Promise.reject(new Error('no memory')) };
  const failures: string[] = [];
  const rows = await interleave([contender('a', []), failing], effort, ({ name }, { message }) =>
    failures.push(`${name}: ${message}`),
  );
  expect(rows.map(({ name }) => name)).toEqual(['a']);
  expect(failures).toEqual(['b: no memory']);
});
