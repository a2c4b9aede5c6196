import type { PoolFiles } from '@radin/core';
import { accuracy, greedySoup, Problem, type ProblemOptions, Soup, writeSoup } from '@radin/core';

// The program that `souping` times as our greedy soup: the library, used as its users would use it. Its argument and its
// answer are JSON.

interface Request {
  readonly files: PoolFiles;
  readonly threads: number;
  readonly out: string;
}

const { files, threads, out } = JSON.parse(process.argv[2] as string) as Request;
const options: ProblemOptions = { metric: accuracy, backend: 'auto', threads };
const phases: Record<string, number> = {};

async function timed<T>(phase: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  phases[phase] = (performance.now() - start) / 1000;
  return result;
}

const problem = await Problem.open(files, options);
try {
  const { pool, validation, backend } = problem;
  await timed('singles', () => validation.cache());
  const { best, evaluations, trace } = await timed('soups', () => greedySoup(validation, { budget: pool.size }));
  await timed('write', () => writeSoup(out, new Soup(pool, best.mixture, backend), pool));
  const { ingredients, weights } = best.mixture;
  const found = { models: ingredients, weights: ingredients.map((model) => weights[model]), valScore: best.score };
  process.stdout.write(JSON.stringify({ ...found, evaluations, trace, phases }));
} finally {
  await problem.dispose();
}
