import { expect } from 'vitest';
import { type LinearPool, linearPool } from './pools.js';
import { runRadinHere } from './run-radin.js';
import { listing } from './scratch.js';

/** What is done to a pool before a command is run in its folder. */
export type Spoil = (pool: LinearPool) => unknown;

/**
 * What a command says that must be refused, run in the folder of a linear pool: one line on standard error. Also asserts exit
 * code 2, an empty standard output and a folder without any new or missing file.
 */
export async function refusal(args: readonly string[], spoil: Spoil = () => {}, models = 4): Promise<string> {
  const pool = await linearPool({ models });
  await spoil(pool);
  const before = listing(pool.folder);
  const { code, stdout, stderr } = await runRadinHere(args, pool.folder);
  expect(stderr).toMatch(/^radin: error: .+\n$/);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(listing(pool.folder)).toEqual(before);
  return stderr;
}
