import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeConfig } from './pools.js';
import { DIGITS, runRadin } from './run-radin.js';
import { listing, newFolder } from './scratch.js';

/** Enough work for minutes. */
const LONG = ['--budget', '100000', '--candidates', '20000'];

describe('a search that is interrupted', () => {
  const folder = newFolder();
  beforeAll(() => {
    // The copy gives a notice once all logits are cached: a moment at which the search is known to run.
    const [first] = readdirSync(join(DIGITS, 'models')).sort();
    copyFileSync(join(DIGITS, 'models', first as string), join(folder, 'copy.safetensors'));
    writeConfig(folder, {
      graph: join(DIGITS, 'model.onnx'),
      models: `[ '${join(DIGITS, 'models/*.safetensors')}', copy.safetensors ]`,
      validation: `{ inputs: ${join(DIGITS, 'val_inputs.npy')}, labels: ${join(DIGITS, 'val_labels.npy')} }`,
    });
  });

  function interrupted(delay: number, args: readonly string[]) {
    return runRadin(args, folder, (child) => {
      child.stderr?.once('data', () => setTimeout(() => child.kill('SIGINT'), delay));
    });
  }

  it.each([
    ['as stage 1 begins', 0],
    ['while soups are evaluated', 2000],
  ])('%s exits with 130 and leaves no output', async (_, delay) => {
    const before = listing(folder);
    const { code, stdout, stderr } = await interrupted(delay, ['search', '.', ...LONG, '--out', 'out', '--json']);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/^radin: note: .*copy.*\nradin: interrupted.*\n$/);
    expect(listing(folder)).toEqual(before);
  });

  it('leaves the results of an earlier run as they were', async () => {
    const { code } = await runRadin(['search', '.', '--budget', '1', '--out', 'earlier', '--quiet'], folder);
    expect(code).toBe(0);
    const read = () => ['soup.safetensors', 'result.json'].map((name) => readFileSync(join(folder, 'earlier', name)));
    const before = read();
    writeFileSync(join(folder, 'earlier', 'mine.txt'), 'a file of the user');
    expect((await interrupted(500, ['search', '.', ...LONG, '--out', 'earlier'])).code).toBe(130);
    expect(read()).toEqual(before);
    expect(listing(join(folder, 'earlier'))).toEqual(['mine.txt', 'result.json', 'soup.safetensors']);
  });

  it('may be part of a comparison', async () => {
    const before = listing(folder);
    const args = ['compare', '.', '--budgets', '100000', '--candidates', '20000', '--out', 'out'];
    const { code, stdout } = await interrupted(500, args);
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(listing(folder)).toEqual(before);
  });
});
