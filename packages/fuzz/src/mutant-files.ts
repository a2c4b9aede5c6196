import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { MutantFiles } from './reader.js';

/** A new folder for mutants. */
export const scratchFolder = (): string => mkdtempSync(join(tmpdir(), 'radin-fuzz-'));

/** Paths that an earlier call wrote, by folder: to empty a folder takes longer than most readers do. */
const written = new Map<string, readonly string[]>();

/** Writes these files, after those of the last mutant in the folder were removed. Folders and what readers wrote stay. */
export function writeMutant(folder: string, files: MutantFiles): void {
  mkdirSync(folder, { recursive: true });
  for (const path of written.get(folder) ?? []) rmSync(path, { force: true });
  const paths = Object.entries(files).map(([name, bytes]) => {
    const path = join(folder, name);
    if (name.includes('/')) mkdirSync(dirname(path), { recursive: true });
    if (typeof bytes === 'string') symlinkSync(bytes, path);
    else writeFileSync(path, bytes);
    return path;
  });
  written.set(folder, paths);
}
