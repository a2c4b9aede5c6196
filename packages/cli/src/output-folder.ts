import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Mixture, type Problem, RadinError, Soup, writeSoup, writeTextAtomically } from '@radin/core';

/** @throws RadinError where `folder` is a file: better before hours of evaluation than after. */
export async function checkOutputFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    throw new RadinError('FILE', `Expected --out to be a folder but found a file: ${folder}`);
  }
}

/** Writes the soup and the JSON object into the folder, which is made if need be. @returns the paths written */
export async function writeResults(
  folder: string,
  problem: Problem,
  mixture: Mixture,
  json: { readonly name: string; readonly value: unknown },
  signal: AbortSignal,
): Promise<{ soup: string; json: string }> {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new RadinError('FILE', `Expected to create the folder ${folder} but found: ${error.code ?? error.message}`, {
      cause: error,
    });
  });
  const soup = join(folder, 'soup.safetensors');
  await writeSoup(soup, new Soup(problem.pool, mixture, problem.backend), problem.pool, { signal });
  const path = join(folder, json.name);
  await writeTextAtomically(path, `${JSON.stringify(json.value, null, 2)}\n`, { signal });
  return { soup, json: path };
}
