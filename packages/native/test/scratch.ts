import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** A folder for the tests of the surrounding `describe`, gone after them. */
export function inScratchFolder(): { readonly folder: string } {
  const scratch = { folder: '' };
  beforeAll(() => {
    scratch.folder = mkdtempSync(join(tmpdir(), 'radin-native-'));
  });
  afterAll(() => rmSync(scratch.folder, { recursive: true }));
  return scratch;
}
