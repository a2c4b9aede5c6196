export { backendNamed, Problem } from './problem.js';
export type { PoolFiles, ProblemOptions } from './problem-files.js';
