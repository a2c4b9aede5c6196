import type { TaskName } from './task.js';

/** Sizes of a model's output, the first of them the samples'; undefined where a graph leaves one open. */
type Shape = readonly (number | string | undefined)[];

/** What an output's shape must be, in words. @param first its first size: `batch`, or a number */
export function expectedShape(task: TaskName, first: string | number): string {
  switch (task) {
    case 'multi-class':
      return `[${first}, classes]`;
    case 'binary':
      return `[${first}], [${first}, 1] or [${first}, 2]`;
    case 'multi-label':
      return `[${first}, labels]`;
    case 'token-classification':
      return `[${first}, tokens, classes]`;
    case 'regression':
      return `[${first}] or [${first}, outputs]`;
  }
}

const RANKS: Readonly<Record<TaskName, readonly number[]>> = {
  'multi-class': [2],
  binary: [1, 2],
  'multi-label': [2],
  'token-classification': [3],
  regression: [1, 2],
};

/** Whether so many sizes can be an output's of that task. */
export function hasRank(task: TaskName, rank: number): boolean {
  return RANKS[task].includes(rank);
}

/** Whether all sizes are known and can be an output's of that task. */
export function fitsTask(task: TaskName, shape: readonly number[]): boolean {
  const last = shape.length === 1 ? 1 : (shape.at(-1) as number);
  const least = task === 'multi-class' || task === 'token-classification' ? 2 : 1;
  return (
    hasRank(task, shape.length) &&
    shape.slice(1).every((size) => size > 0) &&
    last >= least &&
    (task !== 'binary' || last <= 2)
  );
}

/** C of the rows that are scored, where the graph states it: two for every binary model. */
export function statedClasses(task: TaskName, shape: Shape | undefined): number | undefined {
  if (shape === undefined) return undefined;
  if (task === 'binary') return 2;
  const last = shape.length === 1 ? 1 : shape.at(-1);
  return typeof last === 'number' ? last : undefined;
}
