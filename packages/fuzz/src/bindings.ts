import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CampaignOptions } from './campaign.js';
import { scratchFolder } from './mutant-files.js';

const CHILD = fileURLToPath(new URL('./bindings/child.js', import.meta.url));
const SANITIZED = fileURLToPath(new URL('../../native/scripts/test-sanitized.mjs', import.meta.url));

/** What is missing for an addon with sanitizers; undefined where nothing is. */
function missing(): string | undefined {
  const { stdout = '' } = spawnSync(process.env.CXX ?? 'g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  if (!isAbsolute(stdout?.trim() ?? '')) return 'there is no GCC with libasan';
  return spawnSync('cmake', ['--version']).status === 0 ? undefined : 'there is no cmake';
}

/** Builds the addon with sanitizers and calls it. @returns how much was found: 0, or 1 with what it was on the outputs */
export async function fuzzBindings({ seed, first, count, seconds }: CampaignOptions): Promise<number> {
  const lack = missing();
  if (lack !== undefined) {
    console.log(`bindings      , SKIPPED, because ${lack}`);
    return 0;
  }
  const folder = scratchFolder();
  const progress = join(folder, 'progress');
  try {
    const args = [
      SANITIZED,
      'address',
      '--',
      process.execPath,
      CHILD,
      ...[seed, first, count, seconds, progress].map(String),
    ];
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (status === 0) return 0;
    const index = readFileSync(progress).readDoubleLE();
    console.log(`FOUND by bindings: the last call was --only bindings --seed ${seed} --mutant ${index}`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
