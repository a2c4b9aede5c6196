import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';

/** Files whose paths begin so may be read by whoever measures or loads code. */
const ALLOWED = ['/proc/', '/sys/', '/dev/null'];

/**
 * Watches what this process opens from then on, before any other module that does is loaded: files outside of these folders, by
 * where they really are, and programs, are noted. Code that Node loads itself is not seen.
 */
export class Fence {
  readonly #roots: readonly string[];
  #breaches: string[] = [];

  constructor(roots: readonly string[], programs: boolean) {
    this.#roots = roots.map((root) => fs.realpathSync(root));
    const { open } = fs.promises;
    fs.promises.open = async (...args) => {
      const handle = await open(...args);
      this.#look(fs.readlinkSync(`/proc/self/fd/${handle.fd}`));
      return handle;
    };
    for (const name of ['openSync', 'readFileSync'] as const) this.#watchPath(fs, name);
    for (const name of ['readFile', 'copyFile'] as const) this.#watchPath(fs.promises, name);
    if (!programs)
      for (const name of ['spawn', 'spawnSync', 'exec', 'execFile', 'execFileSync', 'execSync', 'fork'] as const)
        this.#watchProgram(name);
    syncBuiltinESMExports();
  }

  /** What was opened outside since the last call. */
  breaches(): readonly string[] {
    const found = this.#breaches;
    this.#breaches = [];
    return found;
  }

  /** What is no regular file is opened only to find that out. */
  #look(path: string): void {
    if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return;
    const inside = this.#roots.some((root) => !relative(root, path).startsWith('..'));
    if (!inside && !ALLOWED.some((start) => path.startsWith(start))) this.#breaches.push(path);
  }

  #watchPath<Name extends string>(from: { [name in Name]: unknown }, name: Name): void {
    const original = from[name] as (path: unknown, ...more: unknown[]) => unknown;
    from[name] = ((path: unknown, ...more: unknown[]) => {
      const result = original(path, ...more);
      if (typeof path === 'string' && fs.existsSync(path)) this.#look(fs.realpathSync(path));
      return result;
    }) as never;
  }

  #watchProgram(name: 'spawn' | 'spawnSync' | 'exec' | 'execFile' | 'execFileSync' | 'execSync' | 'fork'): void {
    const original = childProcess[name] as (...args: unknown[]) => unknown;
    childProcess[name] = ((...args: unknown[]) => {
      this.#breaches.push(`the program ${JSON.stringify(args[0])}`);
      return original(...args);
    }) as never;
  }
}
