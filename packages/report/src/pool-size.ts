import { poolNouns, type SearchReport } from '@radin/core';
import { counted } from './blocks.js';

/** How much was scored: `300 validation samples, 10 classes`. */
export function poolSize({ samples, classes, task }: SearchReport['pool']): string {
  const { row, columns } = poolNouns(task);
  return `${counted(samples, row)}, ${counted(classes, ...columns)}`;
}
