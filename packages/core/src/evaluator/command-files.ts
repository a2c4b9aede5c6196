import { isAbsolute, relative, resolve } from 'node:path';
import { digestFile, statusAt } from '../formats/index.js';

/**
 * SHA-256 of the files in the folder that a command names as its program or in an argument, also behind an equals sign
 * (`--config=small.yaml`), so that a changed script is another command. Cost: reads them.
 */
export async function hashesOfNamedFiles(
  words: readonly string[],
  folder: string,
): Promise<readonly (readonly [string, string])[]> {
  const names = new Set(words.flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]));
  const found: (readonly [string, string])[] = [];
  for (const name of names) {
    const path = resolve(folder, name);
    const inside = relative(folder, path);
    if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) continue;
    // What is no regular file, such as a pipe, would never end.
    if ((await statusAt(path))?.isFile()) found.push([name, (await digestFile(path)).sha256]);
  }
  return found;
}
