import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PaperChoices } from '../../src/paper/options.js';
import type { PaperResult } from '../../src/paper/result.js';
import { runPaper } from '../../src/paper/run-paper.js';
import { readOwnSplits } from '../../src/soups/pool-folder.js';

const CHOICES: PaperChoices = {
  budgets: [1, 3],
  seeds: 2,
  candidates: 20,
  includeUniform: false,
  bruteForce: false,
  cache: undefined,
  threads: 1,
};

/** The whole experiment on a pool's folder. */
export async function paperOf(
  folder: string,
  choices: Partial<PaperChoices> = {},
  onProgress: (text: string) => void = () => {},
): Promise<PaperResult> {
  const pool = { name: 'tiny', ...readOwnSplits(folder) };
  return (await runPaper(pool, { ...CHOICES, ...choices }, { onProgress })).result;
}

/** Takes the test split out of a pool's `radin.yaml`. */
export function withoutTest(folder: string): string {
  const path = join(folder, 'radin.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^test: .*\n/m, ''));
  return folder;
}

/** All that does not depend on the clock, on the machine and on what was remembered. */
export function withoutTimes({ cost, environment: _, rows, runs, ...rest }: PaperResult): object {
  return {
    ...rest,
    soups: cost.soups,
    rows: rows.map(({ stage1Seconds: _, evaluationSeconds: __, ...row }) => row),
    runs: runs.map(({ stage1Seconds: _, ...run }) => run),
  };
}
