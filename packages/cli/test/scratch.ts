import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'radin-cli-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;

/** A new, empty folder; all are removed when the test file is done. */
export function newFolder(): string {
  const folder = join(root, String(made++));
  mkdirSync(folder);
  return folder;
}

/** Every file and folder below `folder`, hidden ones too: what a command that fails must leave as it was. */
export function listing(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}
