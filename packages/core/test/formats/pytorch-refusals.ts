import { expect } from 'vitest';
import { openPyTorch } from '../../src/formats/pytorch-reader.js';
import { refusal } from './scratch.js';

/** Files of a few megabytes must not take longer. */
export const LONGEST_MS = 3000;

/** Of this process's own work: other programs may keep the machine busy. */
export function millisecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** That a checkpoint is refused soon, in a short message that names it. */
export async function refuses(path: string, message: RegExp): Promise<void> {
  const start = process.cpuUsage();
  const found = await refusal(openPyTorch(path), 'FORMAT');
  expect(millisecondsSince(start)).toBeLessThan(LONGEST_MS);
  expect(found).toMatch(message);
  expect(found).toContain(path);
  expect(found.length).toBeLessThan(path.length + 500);
}
