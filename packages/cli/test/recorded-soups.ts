import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Verification } from '@radin/core';
import { expect } from 'vitest';
import { type LinearPool, linearPool, modelPath } from './pools.js';
import { radinJson, runRadinHere } from './run-radin.js';
import { newFolder } from './scratch.js';

export const LOCK = 'out/radin.lock.json';
export const SOUP = 'out/soup.safetensors';
export const SEARCH = ['search', '.', '--budget', '2', '--no-report', '--out', 'out'];

/** A copy, with all that was made in it, of a pool that is made once. */
function copied(make: (pool: LinearPool) => Promise<unknown>): () => Promise<LinearPool> {
  let first: Promise<LinearPool> | undefined;
  return async () => {
    first ??= linearPool().then(async (pool) => {
      await make(pool);
      return pool;
    });
    const folder = newFolder();
    cpSync((await first).folder, folder, { recursive: true });
    return { ...(await first), folder };
  };
}

/** A pool with the soup of its first three models, of weights that no sum of floats makes 1. */
export const averaged = copied(async (pool) => {
  mkdirSync(join(pool.folder, 'out'));
  const models = ['a', 'b', 'c'].map((id) => modelPath(pool, id));
  await radinJson(['average', ...models, '--weights', '0.1,0.2,0.7', '--out', SOUP], pool.folder);
});

export const searched = copied(({ folder }) => radinJson(SEARCH, folder));

export const verify = <T = Verification>(folder: string, ...args: string[]) =>
  radinJson<T>(['verify', ...args], folder);

/** What is said of a soup that is not as recorded: one line, and exit code 2. */
export async function refusal(folder: string, ...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await runRadinHere(['verify', ...args], folder);
  expect(stderr).toMatch(/^radin: error: .+\n$/);
  expect(code).toBe(2);
  expect(stdout).not.toContain('verified');
  return stderr;
}
