import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../core/test/pools.js';
import { pythonWith } from '../../src/peers.js';
import { compareSingles, compareTraces } from '../../src/souping/checks.js';
import type { Outcome } from '../../src/souping/contender.js';
import { soupingOptions } from '../../src/souping/options.js';
import { benchmarkSouping } from '../../src/souping/souping.js';
import { soupingMarkdown, timesTable } from '../../src/souping/text.js';
import { poolFolder } from '../soups/pools.js';

const folder = temporaryFolder();
const hasTorch = pythonWith('numpy, torch') !== undefined;
if (!hasTorch) process.stderr.write('torch is not installed: souping is not compared with it\n');

const NETWORK = `
import torch

class Network(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.w1 = torch.nn.Parameter(torch.zeros(5, 6))
        self.w2 = torch.nn.Parameter(torch.zeros(6, classes))

    def forward(self, x):
        return (x @ self.w1).relu() @ self.w2
`;

async function souping(...args: string[]) {
  const shape = { models: 6, samples: 120, hidden: 6, classes: 4, noise: 1.2, seed: 6 };
  const pool = await poolFolder(folder, shape);
  const module = join(folder, 'network.py');
  writeFileSync(module, NETWORK);
  const common = ['--pool', pool.folder, '--module', `${module}:Network`, '--rounds', '1', '--threads', '1'];
  const options = soupingOptions([...common, '--budget', '4', '--candidates', '20', ...args]);
  return benchmarkSouping(options, { onNotice: () => {}, onEnvironment: () => {}, onProgress: () => {} });
}

it.skipIf(!hasTorch)('PyTorch and we make the same soups of the same models', async () => {
  const result = await souping();
  expect(result.rows.map(({ side, method }) => `${side} ${method}`)).toEqual([
    'ours greedy',
    'ours radin',
    'ours adaptive',
    'peer greedy',
    'peer radin',
  ]);
  // Which of equal candidates are evaluated is the only choice that differs.
  expect(result.checks.filter(({ agrees, text }) => !agrees && !/tie at the last place/.test(text))).toEqual([]);
  expect(result.checks.length).toBe(10);
  expect(result.checks.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^RADIN, stage 2: [34] real scores that both sides know, of which 0 differ/),
  );
  expect(result.candidates).toBe(20);
  const [ours, theirs] = [result.rows[0], result.rows[3]];
  expect(theirs?.found).toEqual(ours?.found);
  for (const { runs } of result.rows) {
    for (const { seconds, cpuSeconds, phases } of runs) {
      expect(cpuSeconds).toBeGreaterThan(0);
      expect(Object.values(phases).reduce((sum, value) => sum + value, 0)).toBeLessThan(seconds);
    }
  }
  expect(timesTable(result).map((cells) => cells.length)).toEqual(Array(6).fill(13));
  expect(soupingMarkdown(result)).toMatch(/^- agrees: greedy: the same 6 steps/m);
});

it('without torch ours are timed and the rest is left out', async () => {
  const { rows, checks } = await souping('--no-peers');
  expect(rows.map(({ side, method }) => `${side} ${method}`)).toEqual(['ours greedy', 'ours radin', 'ours adaptive']);
  expect(checks).toEqual([]);
});

const model = (...values: number[]) => ({ values: Float32Array.from(values), samples: 2, classes: 2 });

it('a prediction may differ only where its classes are closer than rounding', () => {
  const ours = [model(1, 1.000001, 3, 1)];
  expect(compareSingles(ours, Float32Array.of(1.000002, 1, 3, 1))).toMatchObject({ agrees: true });
  expect(compareSingles(ours, Float32Array.of(1, 1.000001, 1, 3))).toMatchObject({ agrees: false });
});

it('the first step of greedy that differs is named', () => {
  const outcome = (score: number): Outcome => ({
    models: [0],
    weights: [1],
    valScore: 0.5,
    evaluations: 1,
    soup: '',
    trace: [
      { model: 0, score: 0.5, kept: true },
      { model: 1, score, kept: false },
    ],
  });
  expect(compareTraces(outcome(0.4), outcome(0.4)).agrees).toBe(true);
  const { agrees, text } = compareTraces(outcome(0.4), outcome(0.3));
  expect([agrees, text]).toEqual([
    false,
    "greedy: step 2 differs: ours model 1 scored 0.4; torch's model 1 scored 0.3",
  ]);
});
