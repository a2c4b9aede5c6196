import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchReport } from '@radin/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeConfig } from './pools.js';
import { DIGITS, radinJson, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** Enough work for minutes. */
const LONG = ['--budget', '100000', '--candidates', '20000'];

/** A `radin.yaml` for the example pool and one model more. */
function writeDigitsAnd(folder: string, model: string): void {
  writeConfig(folder, {
    graph: join(DIGITS, 'model.onnx'),
    models: `[ '${join(DIGITS, 'models/*.safetensors')}', ${model} ]`,
    validation: `{ inputs: ${join(DIGITS, 'val_inputs.npy')}, labels: ${join(DIGITS, 'val_labels.npy')} }`,
  });
}

const FIRST = join(DIGITS, 'models', readdirSync(join(DIGITS, 'models')).sort()[0] as string);

describe('a search that is interrupted', () => {
  const folder = newFolder();
  beforeAll(() => {
    // The copy gives a notice once all logits are cached: a moment at which the search is known to run.
    copyFileSync(FIRST, join(folder, 'copy.safetensors'));
    writeDigitsAnd(folder, 'copy.safetensors');
  });

  function interrupted(delay: number, args: readonly string[], signal: NodeJS.Signals = 'SIGINT') {
    return runRadin(args, folder, (child) => {
      child.stderr?.once('data', () => setTimeout(() => child.kill(signal), delay));
    });
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'while soups are evaluated, by %s, writes the best so far and exits with 130',
    // On a machine that is busy with other things, 1.4 s may be too little.
    { retry: 2 },
    async (signal) => {
      const out = join(folder, signal);
      mkdirSync(out, { recursive: true });
      writeFileSync(join(out, 'mine.txt'), 'a file of the user');
      const { code, stdout, stderr } = await interrupted(
        4000,
        ['search', '.', ...LONG, '--out', out, '--json'],
        signal,
      );
      expect(code).toBe(130);
      // Where there is time, the page too.
      const written = listing(out).filter((name) => name !== 'report.html');
      expect(written).toEqual(['journal.jsonl', 'mine.txt', 'radin.lock.json', 'result.json', 'soup.safetensors']);
      const report = JSON.parse(stdout) as SearchReport;
      expect(report).toMatchObject(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
      const { interrupted: early, evaluations, best, bestIndividual, curve } = report;
      expect(early).toBe(true);
      expect(evaluations).toBeLessThan(100000);
      expect(best.valScore).toBeGreaterThanOrEqual(bestIndividual.valScore as number);
      expect(best.testScore).toBeUndefined();
      expect(curve?.at(-1)).toMatchObject({ models: best.models, weights: best.weights, valScore: best.valScore });
      expect(stderr).toContain(
        `radin: interrupted after ${evaluations} of 100000 evaluations; the best so far is in ${join(out, 'soup.safetensors')} and ${join(out, 'result.json')}; the same command goes on from there\n`,
      );
      if (existsSync(join(out, 'report.html'))) {
        expect(readFileSync(join(out, 'report.html'), 'utf8')).toMatch(/<title>[^<]+ \(interrupted\) · RADIN</);
      }
      // The soup is what the report says it is.
      const soup = await radinJson<{ score: number }>(
        ['evaluate', '.', join(out, 'soup.safetensors'), '--split', 'validation'],
        folder,
      );
      expect(soup.score).toBe(best.valScore);
      const whole = await radinJson<SearchReport>(
        ['search', '.', '--budget', '25', '--out', join(out, 'whole')],
        folder,
      );
      const shared = Math.min(25, evaluations);
      expect(report.candidates.slice(0, shared)).toEqual(whole.candidates.slice(0, shared));
    },
  );

  it('asked twice, ends at once', async () => {
    const before = listing(folder);
    const { code } = await runRadin(['search', '.', ...LONG, '--out', 'twice'], folder, (child) => {
      child.stderr?.once('data', () => {
        // Two of one kind that are sent together may arrive as one.
        for (const signal of ['SIGINT', 'SIGTERM'] as const) child.kill(signal);
      });
    });
    expect(code).toBe(null);
    expect(listing(folder).filter((name) => !before.includes(name))).toEqual(['twice', 'twice/journal.jsonl']);
  });

  it('may be part of a comparison', async () => {
    const before = listing(folder);
    const args = ['compare', '.', '--budgets', '100000', '--candidates', '20000', '--out', 'out'];
    const { code, stdout } = await interrupted(500, args);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(listing(folder).filter((name) => !before.includes(name))).toEqual(['out', 'out/journal.jsonl']);
  });
});

it('a model that is refused while threads are inside an evaluation is named, and the program ends as it should', async () => {
  const folder = newFolder();
  const bytes = readFileSync(FIRST);
  bytes.writeFloatLE(Number.NaN, bytes.length - 4);
  writeFileSync(join(folder, 'broken.safetensors'), bytes);
  writeDigitsAnd(folder, 'broken.safetensors');
  // A thread that is ended inside a batch aborts the process in most runs, not in all.
  for (let run = 0; run < 3; run++) {
    const { code, stdout, stderr } = await runRadin(['search', '.', '--out', 'out', '--json'], folder);
    expect(stderr).toMatch(/^radin: error: .*NaN in broken\.safetensors, tensor .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  }
  expect(listing(folder)).toEqual(['broken.safetensors', 'radin.yaml']);
});
