import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { accuracy } from '../../src/metric/index.js';
import { Mixture } from '../../src/mixture/index.js';
import { Problem } from '../../src/problem/index.js';
import { adaptive, compare, greedySoup, radin, uniformSoup } from '../../src/recipes/index.js';
import { exhaustive } from '../../src/sampler/index.js';
import { raceTop } from '../../src/stage2/index.js';
import { loopGraph, loopModel } from '../evaluator/loop-graph.js';
import { f32, temporaryFolder, tensor, writeArray, writeGraph, writeModel } from '../pools.js';

const folder = temporaryFolder();

/** Two models that can be run, whose soup is a loop without end. */
async function open(): Promise<Problem> {
  const file = (name: string) => join(folder, name);
  const files = {
    graph: writeGraph(file('graph.onnx'), loopGraph()),
    models: [
      await writeModel(file('a.safetensors'), loopModel(0)),
      await writeModel(file('b.safetensors'), loopModel(1)),
    ],
    validation: {
      inputs: await writeArray(file('x.npy'), f32([3, 2], [1, 2, 4, 3, 5, 6])),
      labels: await writeArray(file('y.npy'), tensor('U8', [3], Uint8Array.of(1, 0, 0))),
    },
  };
  const problem = await Problem.open(files, {
    metric: accuracy,
    backend: 'auto',
    threads: 2,
    limits: { timeout: 0.8 },
  });
  onTestFinished(() => problem.dispose());
  return problem;
}

test('a search goes on without a soup that does not end, and says so', async () => {
  const problem = await open();
  const { validation } = problem;
  const { whole: geometry } = await problem.geometry();
  const proposal = { samplers: [exhaustive], candidates: 3, seed: 0, includeUniform: true };
  const results = [
    await radin(validation, {
      ...proposal,
      budget: 3,
      lambda: 1,
      evaluate: (ranked, budget, options) => raceTop(validation, ranked, budget, { mode: 'exact' }, options),
    }),
    await adaptive(validation, { budget: 1, candidates: 3, geometry }),
  ];
  for (const { best, candidates, notices } of results) {
    expect([best.mixture.size, best.score]).toEqual([1, 2 / 3]);
    const [lost, ...others] = candidates.filter(({ failed }) => failed !== undefined);
    expect(others).toEqual([]);
    expect(lost).toMatchObject({
      mixture: { size: 2 },
      failed: expect.stringMatching(/at most 0\.8 s.*longer, twice/),
    });
    expect(lost?.score ?? lost?.scoreAtMost).toBeUndefined();
    expect(notices).toContainEqual(
      expect.stringMatching(/^a soup has no score, since its evaluation was lost: Expected/),
    );
  }
});

test('greedy, the uniform soup and a comparison go on without it too, and never try it again', async () => {
  const problem = await open();
  const { validation } = problem;
  const greedy = await greedySoup(validation, { budget: 2 });
  const failed = expect.stringMatching(/at most 0\.8 s.*longer, twice/);
  expect([greedy.best.mixture.size, greedy.evaluations, greedy.notices.length]).toEqual([1, 2, 1]);
  expect(greedy.trace).toEqual([
    { model: 0, score: 2 / 3, kept: true },
    { model: 1, failed, kept: false },
  ]);
  const { best, candidates } = await uniformSoup(validation);
  expect([best.mixture.size, best.score, candidates]).toEqual([1, 2 / 3, [expect.objectContaining({ failed })]]);
  const { whole: geometry } = await problem.geometry();
  const proposal = { samplers: [exhaustive], candidates: 3, seed: 0, includeUniform: true };
  const rows = await compare(validation, { ...proposal, budgets: [3], geometry });
  const again = () => validation.scores([Mixture.uniform(2, [0, 1])]).catch((error) => error);
  expect(await again()).toBe(await again());
  expect(rows.map(({ valScore }) => valScore)).toEqual(rows.map(() => 2 / 3));
  const lost = rows.filter(({ result }) => result.notices.length > 0).map(({ result }) => result.method);
  expect(lost).toEqual(['uniform', 'greedy', 'radin', 'radin-prior', 'adaptive']);
});
