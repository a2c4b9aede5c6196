import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JOURNAL_FILE, Journal } from '../../src/journal/index.js';
import { accuracy, crossEntropy } from '../../src/metric/index.js';
import { adaptive, radin } from '../../src/recipes/index.js';
import { monteCarlo } from '../../src/sampler/index.js';
import { type Racing, raceTop } from '../../src/stage2/index.js';
import { temporaryFolder, tinyPool } from '../pools.js';
import { openScorers } from './opened.js';

const folder = temporaryFolder();
const pool = tinyPool(folder, { models: 5, samples: 200, hidden: 6, classes: 4, noise: 1.5, seed: 3 });

type Search = 'adaptive' | Racing['mode'];

/** A search in a run folder, and the samples of soups that it ran: `soup sample`. */
async function search(place: string, kind: Search, metric = accuracy) {
  const journal = await Journal.open(place, { version: '1.0.0' });
  try {
    await journal.begin({ kind, metric: metric.name });
    const opened = await openScorers(await pool, metric, 8, undefined, undefined, journal);
    const { validation, geometry, parts } = opened;
    const proposal = { samplers: [monteCarlo], candidates: 20, seed: 1, includeUniform: true, lambda: 0, budget: 6 };
    const mode = kind as Racing['mode'];
    const racing: Racing = mode === 'statistical' ? { mode, error: 0.1, seed: 0 } : { mode };
    const result =
      kind === 'adaptive'
        ? await adaptive(validation, { budget: 6, candidates: 50, geometry })
        : await radin(validation, {
            ...proposal,
            evaluate: (ranked, most, options) => raceTop(validation, ranked, most, racing, options),
          });
    await journal.finish({});
    return { result, ran: parts.flatMap(({ id, samples }) => samples.map((sample) => `${id} ${sample}`)).sort() };
  } finally {
    await journal.close();
  }
}

/** Samples of the evaluations in the whole lines of a journal's bytes. */
function samplesIn(bytes: Buffer): number {
  const lines = bytes
    .subarray(0, bytes.lastIndexOf(10) + 1)
    .toString()
    .split('\n')
    .filter(Boolean);
  return lines.reduce((sum, line) => sum + ((JSON.parse(line) as { samples?: number }).samples ?? 0), 0);
}

describe.each<{ kind: Search; metric: typeof accuracy }>([
  { kind: 'adaptive', metric: accuracy },
  { kind: 'adaptive', metric: crossEntropy },
  { kind: 'exact', metric: accuracy },
  { kind: 'statistical', metric: accuracy },
])('a search ($kind) by $metric.name', ({ kind, metric }) => {
  test('that goes on from any beginning of its journal ends as the straight run and runs nothing that is in it', async () => {
    const place = mkdtempSync(join(folder, 'run-'));
    const path = join(place, JOURNAL_FILE);
    const straight = await search(place, kind, metric);
    const whole = readFileSync(path);
    expect(samplesIn(whole)).toBe(straight.ran.length);
    expect(straight.ran.length).toBeGreaterThan(200);
    const replayed = await search(place, kind, metric);
    expect(replayed).toEqual({ result: straight.result, ran: [] });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (bytes) => {
        writeFileSync(path, whole.subarray(0, bytes));
        const resumed = await search(place, kind, metric);
        expect(resumed.result).toEqual(straight.result);
        const all = new Set(straight.ran);
        expect(resumed.ran.filter((one) => !all.has(one))).toEqual([]);
        expect(samplesIn(whole.subarray(0, bytes)) + resumed.ran.length).toBe(straight.ran.length);
      }),
      { numRuns: 6 },
    );
  });
});
