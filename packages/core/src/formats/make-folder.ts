import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder, and its parents where they are missing, one by one: `mkdir` of Node 20 with `recursive` never returns where a
 * parent that exists refuses with ENOENT, as /proc does. @throws the system's error
 */
export async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder);
  const failure = await attempt(path);
  if (failure?.code !== 'ENOENT' || dirname(path) === path) {
    if (failure !== undefined) throw failure;
    return;
  }
  await makeFolder(dirname(path));
  const second = await attempt(path);
  if (second !== undefined) throw second;
}

/** What went wrong; nothing where the folder is there. */
async function attempt(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    const isThere = await stat(path).then(
      (status) => status.isDirectory(),
      () => false,
    );
    return isThere ? undefined : (error as NodeJS.ErrnoException);
  }
}
